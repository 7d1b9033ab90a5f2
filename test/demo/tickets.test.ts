import { expect } from "chai";
import { type DemoTicket, DemoTickets, readTickets } from "./tickets.ts";

const { users, groups, tickets } = readTickets();
const TEXT = JSON.stringify(tickets);

/** ServiceNow's standard lookup, by impact and then urgency. */
const MATRIX: Record<string, number> = {
  "1/1": 1,
  "1/2": 2,
  "1/3": 3,
  "2/1": 2,
  "2/2": 3,
  "2/3": 4,
  "3/1": 3,
  "3/2": 4,
  "3/3": 5,
};

function count(key: (ticket: DemoTicket) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const ticket of tickets) {
    counts[key(ticket)] = (counts[key(ticket)] ?? 0) + 1;
  }
  return counts;
}

describe("the demo tickets", () => {
  it("cover every topic", () => {
    expect(count(({ expect: { topic } }) => topic)).to.eql({
      access: 8,
      network: 8,
      hardware: 7,
      security: 7,
      software: 6,
      change: 7,
      request: 5,
    });
  });

  it("are split over both vendors", () => {
    expect(count((ticket) => (ticket.system === "jira" ? ticket.project : ticket.table))).to.eql({
      incident: 21,
      change_request: 3,
      sc_req_item: 4,
      OPS: 16,
      CHG: 4,
    });
  });

  it("have every change type at both vendors", () => {
    const types = tickets.flatMap((ticket) => {
      if (ticket.system === "jira") {
        return ticket.project === "CHG" ? [`jira ${ticket.fields.changeType}`] : [];
      }
      return ticket.table === "change_request" ? [`servicenow ${ticket.fields.type}`] : [];
    });
    expect(new Set(types)).to.have.property("size", 6);
  });

  it("have unique ids and known people and groups", () => {
    expect(Object.keys(count(({ id }) => id))).to.have.length(48);
    expect(users).to.have.length(12);
    expect(groups).to.have.length(12);
    const names = users.map(({ user_name }) => user_name);
    expect(
      new Set([...names, ...users.map(({ email }) => email), ...users.map(({ accountId }) => accountId)]).size,
    ).to.equal(36);
    for (const ticket of tickets) {
      expect(names, ticket.id).to.include(ticket.by);
      for (const step of ticket.later ?? []) {
        expect(names, ticket.id).to.include(step.by);
        if ("set" in step && "assignee" in step.set) {
          expect(names, ticket.id).to.include(step.set.assignee);
        }
        if ("set" in step && "assignment_group_name" in step.set) {
          expect(groups, ticket.id).to.include(step.set.assignment_group_name);
        }
      }
    }
  });

  it("expect the priority that ServiceNow derives from impact and urgency", () => {
    for (const ticket of tickets) {
      if (ticket.system === "servicenow") {
        const { impact, urgency } = ticket.fields;
        expect(MATRIX[`${impact}/${urgency}`], ticket.id).to.equal(ticket.expect.priority);
      }
    }
  });

  it("plan no change to end before it starts", () => {
    for (const ticket of tickets) {
      if (ticket.system === "servicenow" && ticket.table === "change_request") {
        expect(ticket.fields.start_date < ticket.fields.end_date, ticket.id).to.equal(true);
      }
      if (ticket.system === "jira" && ticket.project === "CHG" && ticket.fields.plannedEnd !== undefined) {
        expect(ticket.fields.plannedStart < ticket.fields.plannedEnd, ticket.id).to.equal(true);
      }
    }
  });

  it("leave the category empty or at the vendor's default in a third", () => {
    const careless = tickets.filter(({ fields: { category = "" } }) => category === "" || category === "inquiry");
    expect(careless).to.have.length(16);
  });

  it("go on in ten tickets", () => {
    expect(tickets.filter(({ later = [] }) => later.length > 0)).to.have.length(10);
  });

  it("hold each canary once", () => {
    expect(TEXT.split("hunter2-CANARY-7731")).to.have.length(2);
    expect(TEXT.split("4111 1111 1111 1111")).to.have.length(2);
  });

  it("name no address or number that could be somebody's", () => {
    const addresses = TEXT.match(/[\w.+-]+@[\w-]+(\.[\w-]+)+/g) ?? [];
    expect(addresses.filter((address) => !/(@|\.)example\.com$|\.example$/.test(address))).to.eql([]);
    const phones = TEXT.match(/\+\d\d[\d ]{6,}/g) ?? [];
    expect(phones).to.have.length.above(5);
    expect(phones.filter((phone) => !/^\+44 20 7946 0\d{3} ?$/.test(phone))).to.eql([]);
  });
});

describe("DemoTickets", () => {
  it("refuses fields that the vendor's record does not have", () => {
    const [ticket] = tickets;
    const misspelt = { ...ticket, fields: { ...ticket?.fields, shortDescription: "VPN" } };
    expect(() => DemoTickets.parse({ users, groups, tickets: [misspelt] })).to.throw("shortDescription");
  });
});
