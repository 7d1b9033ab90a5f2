/*
 * Tells Interlock that a record may have changed: which record and which state of it, nothing else.
 * Signed as Standard Webhooks describes. Runs on the instance (Rhino, ES5).
 *
 * Where and with which secret stands in two system properties per connection:
 *   interlock.<connection>.url      https://.../webhooks/<connection>
 *   interlock.<connection>.secret   whsec_<base64>, of type password2
 */
var InterlockWebhook = Class.create();
InterlockWebhook.prototype = {
    initialize: function (connection) {
        this.property = 'interlock.' + connection + '.';
    },

    /* Nothing is tried a second time here: what gets lost, Interlock finds when it next reads what has changed. */
    tell: function (table, record) {
        var url = gs.getProperty(this.property + 'url', '');
        var key = this._key();
        if (!url || !key) {
            gs.error('Interlock: ' + this.property + 'url or ' + this.property + 'secret is not set; run interlock connect');
            return;
        }
        var body = JSON.stringify({
            table: table,
            sys_id: String(record.getUniqueValue()),
            sys_mod_count: String(record.getValue('sys_mod_count')),
            sys_updated_on: String(record.getValue('sys_updated_on'))
        });
        var id = 'msg_' + gs.generateGUID();
        var timestamp = String(Math.floor(new Date().getTime() / 1000));
        var request = new sn_ws.RESTMessageV2();
        request.setEndpoint(url);
        request.setHttpMethod('post');
        request.setHttpTimeout(10000);
        request.setRequestHeader('Content-Type', 'application/json');
        request.setRequestHeader('webhook-id', id);
        request.setRequestHeader('webhook-timestamp', timestamp);
        request.setRequestHeader('webhook-signature', 'v1,' + this._mac(key, id + '.' + timestamp + '.' + body));
        request.setRequestBody(body);
        var status = 0;
        try {
            status = request.execute().getStatusCode();
        } catch (error) {
            status = 0;
        }
        if (status < 200 || status > 299) {
            gs.warn('Interlock: the change of ' + table + ' ' + String(record.getUniqueValue()) + ' was not taken (status ' + status + ')');
        }
    },

    /* Some releases hand a password2 property out as it is stored, others in clear; the prefix tells which. */
    _key: function () {
        var value = gs.getProperty(this.property + 'secret', '');
        if (value && value.indexOf('whsec_') !== 0) {
            value = String(new GlideEncrypter().decrypt(value));
        }
        return value && value.indexOf('whsec_') === 0 ? value.substring('whsec_'.length) : '';
    },

    /* The class has another name inside of a scoped application. */
    _mac: function (key, text) {
        var signer = typeof GlideCertificateEncryption === 'undefined' ? new CertificateEncryption() : new GlideCertificateEncryption();
        return signer.generateMac(key, 'HmacSHA256', text);
    },

    type: 'InterlockWebhook'
};
