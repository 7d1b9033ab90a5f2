import { expect } from "chai";
import { WindowFile, windowOf } from "../../../core/policy/window.ts";

const at = (text: string): number => Date.parse(text);

/** A calendar file with one event of these lines. */
function icsOf(...lines: readonly string[]): string {
  const event = ["BEGIN:VEVENT", "UID:1", "DTSTAMP:20260101T000000Z", "SUMMARY:Year end", ...lines, "END:VEVENT"];
  return ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//y//EN", ...event, "END:VCALENDAR", ""].join("\r\n");
}

const opened = (...lines: readonly string[]) => windowOf(WindowFile.parse({ ics: "f.ics" }), icsOf(...lines));
const instantOf = (text: string) => ({ fromMs: at(text), toMs: at(text) });

describe("a window from a calendar file", () => {
  it("with a zone begins and ends by that zone's own clock", () => {
    const window = opened("DTSTART;TZID=Europe/Berlin:20260701T180000", "DTEND;TZID=Europe/Berlin:20260702T060000");
    const span = { fromMs: at("2026-07-01T16:00Z"), toMs: at("2026-07-02T04:00Z") };
    expect(window.overlapping(instantOf("2026-07-01T16:00Z"))).to.deep.equal(span);
    expect(window.overlapping(instantOf("2026-07-01T15:59Z"))).to.equal(undefined);
    expect(window.lastMs).to.equal(span.toMs);
  });

  it("in UTC is understood as it stands", () => {
    const window = opened("DTSTART:20260701T180000Z", "DURATION:PT2H");
    expect(window.lastMs).to.equal(at("2026-07-01T20:00Z"));
  });

  it("without a zone is refused, since it is another time for everyone who reads it", () => {
    expect(() => opened("DTSTART:20260701T180000", "DTEND:20260702T060000")).to.throw(
      'the event "Year end" has no time zone',
    );
  });

  it("with a zone that nobody knows is refused", () => {
    expect(() => opened("DTSTART;TZID=Mars/Base:20260701T180000", "DURATION:PT2H")).to.throw(
      'the event "Year end" has the unknown zone Mars/Base',
    );
  });

  it("comes again by the RRULE in it, at the zone's own hour on both sides of a change of clocks", () => {
    const window = opened(
      "DTSTART;TZID=Europe/Berlin:20260320T180000",
      "DURATION:PT2H",
      "RRULE:FREQ=WEEKLY;BYDAY=FR;COUNT=3",
    );
    expect(window.overlapping(instantOf("2026-03-27T17:30Z"))).to.include({ fromMs: at("2026-03-27T17:00Z") });
    expect(window.overlapping(instantOf("2026-04-03T16:30Z"))).to.include({ fromMs: at("2026-04-03T16:00Z") });
    expect(window.overlapping(instantOf("2026-04-10T16:30Z"))).to.equal(undefined);
    expect(window.lastMs).to.equal(at("2026-04-03T18:00Z"));
  });

  it("is refused with an RRULE that would be walked for ever, with single dates taken out, and without any event", () => {
    const daily = ["DTSTART;TZID=Europe/Berlin:20260320T180000", "DURATION:PT2H"];
    expect(() => opened(...daily, "RRULE:FREQ=MINUTELY")).to.throw("comes again too often");
    expect(() => opened(...daily, "RRULE:FREQ=DAILY", "EXDATE;TZID=Europe/Berlin:20260321T180000")).to.throw("EXDATE");
    const empty = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nEND:VCALENDAR\r\n";
    expect(() => windowOf({ ics: "f.ics" }, empty)).to.throw("holds no event");
  });
});
