// SPDX-License-Identifier: Apache-2.0
// Reads callbacks with the published packages standardwebhooks and cloudevents.
// Started by standards.t, which writes them to standard input as JSON, a list
// of { name, headers: {name: value}, body: base64, want } with
//   secret     read with standardwebhooks and this secret
//   publicKey  verified as v1a with this ed25519 key (base64)
//   event      1: read with cloudevents
// Writes one line of JSON for each test: [held, name, what there was].
'use strict';

const assert = require('assert');
const crypto = require('crypto');
const { Webhook } = require('standardwebhooks');
const { HTTP } = require('cloudevents');

function report(held, name, what) {
    process.stdout.write(JSON.stringify([held, name, what || '']) + '\n');
}

function test(name, run) {
    try {
        run();
        report(true, name);
    }
    catch (error) {
        report(false, name, String(error));
    }
}

function readStandard({ name, headers, secret, want }, body) {
    const reader = new Webhook(secret);

    test(`${name}: verified`, () =>
        assert.deepStrictEqual(reader.verify(body, headers), want));
    test(`${name}: another body is refused`, () =>
        assert.throws(() => reader.verify(Buffer.concat(
            [body, Buffer.from(' ')]), headers)));
    test(`${name}: another id is refused`, () =>
        assert.throws(() => reader.verify(body,
            { ...headers, 'webhook-id': 'x' })));
}

function readAsymmetric({ name, headers, publicKey }, body) {
    // The fixed begin of an ed25519 key in DER (RFC 8410).
    const key = crypto.createPublicKey({ format: 'der', type: 'spki',
        key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'),
                            Buffer.from(publicKey, 'base64')]) });
    const content = Buffer.concat([Buffer.from(
        `${headers['webhook-id']}.${headers['webhook-timestamp']}.`), body]);

    test(`${name}: ed25519`, () => assert(
        headers['webhook-signature'].split(' ')
            .filter((signature) => signature.startsWith('v1a,'))
            .some((signature) => crypto.verify(null, content, key,
                Buffer.from(signature.slice(4), 'base64')))));
}

function readEvent({ name, headers, want }, body) {
    test(`${name}: an event`, () => {
        const event = HTTP.toEvent({ headers, body: body.toString() });

        assert(event.validate());
        const { time, ...others } = JSON.parse(JSON.stringify(event));
        assert(Math.abs(Date.parse(time) - Date.now()) < 300000, time);
        assert.deepStrictEqual(others, want);
    });
}

for (const callback of JSON.parse(require('fs').readFileSync(0))) {
    const body = Buffer.from(callback.body, 'base64');

    if (callback.secret) {
        readStandard(callback, body);
    }
    if (callback.publicKey) {
        readAsymmetric(callback, body);
    }
    if (callback.event) {
        readEvent(callback, body);
    }
}
report(true, 'all done');
