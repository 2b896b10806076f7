// SPDX-License-Identifier: Apache-2.0
// Drives every method of the vendor's own client, @superoffice/webapi, against
// a server. Started by superoffice.t, which gives the work in the environment:
//   WEBHOOK_URL     base URL of the server
//   WEBHOOK_STRICT  base URL of one that wants https targets
//   WEBHOOK_SINK    URL of a receiver that answers 200, at /bad 500
//   WEBHOOK_TICKET, WEBHOOK_APP  a ticket and an application's secret, or ''
// Writes one line of JSON for each test: [held, name, what there was].
'use strict';

const assert = require('assert');
const { WebhookAgent, WebhookState } = require('@superoffice/webapi');

const { WEBHOOK_URL: url, WEBHOOK_STRICT: strictUrl, WEBHOOK_SINK: sink,
        WEBHOOK_TICKET: ticket, WEBHOOK_APP: app } = process.env;
const basic = () => ({ auth: { username: 'tje0', password: 'Tje0' } });
const missing = 2000000000;

function report(held, name, what) {
    process.stdout.write(JSON.stringify([held, name, what || '']) + '\n');
}

function same(got, expected, name) {
    try {
        assert.deepStrictEqual(got, expected);
        report(true, name);
    }
    catch (error) {
        report(false, name, error.message);
    }
}

function holds(condition, name, what) {
    report(!!condition, name, condition ? '' : String(what));
}

// The HTTP answer of a call that the client rejects.
async function rejected(promise, status, name) {
    try {
        const result = await promise;

        report(false, name, 'resolved: ' + JSON.stringify(result));
        return {};
    }
    catch (error) {
        const response = error.response || {};

        same(response.status, status, name);
        return response.data || {};
    }
}

// An error object of the API.
async function refused(promise, status, type, text, name) {
    const data = await rejected(promise, status, name);

    same([data.Error, data.ErrorType], [true, type], '... an error object');
    holds(text.test(data.Message) && data.Message === data.ErrorMessage,
        '... that says why', JSON.stringify(data));
}

async function pollUntil(condition, milliseconds) {
    for (const end = Date.now() + milliseconds; Date.now() < end;) {
        const value = await condition();

        if (value) {
            return value;
        }
        await new Promise(resolve => setTimeout(resolve, 50));
    }
    return undefined;
}

async function filled(agent, members) {
    return Object.assign(await agent.createDefaultWebhookAsync(), {
        name: 'My h\u00e6ok', events: ['npm.event', 'other.event'],
        targetUrl: sink + '/in?a=b', secret: 'Something Super Secret',
        headers: { 'X-My-Header': 'Some Value' },
        properties: { MyProperty: { nested: [1, true, null] } },
        errorEmails: ['me@example.com'], description: 'text', notifyVia: 3,
        notifyWhen: 2 }, members);
}

async function defaults(agent) {
    const hook = await agent.createDefaultWebhookAsync();

    same([hook.webhookId, hook.name, hook.targetUrl, hook.secret, hook.type],
        [0, null, null, null, 'webhook'], 'createDefaultWebhookAsync');
    same(hook.state, WebhookState.Active, '... active');
    same(hook.events, ['contact.created', 'contact.deleted'],
        '... with example events');
    same([hook.headers, hook.properties, hook.registeredAssociate,
        hook.updatedAssociate], [null, null, null, null], '... empty');
    holds(hook.registered instanceof Date && !isNaN(hook.registered),
        '... with a date', hook.registered);
    same([hook.notifyVia, hook.notifyWhen], [0, 0], '... tells nobody');
    same([hook.errorEmails, hook.errorAssociates], [[], []], '... at all');
}

async function saving(agent) {
    const hook = await filled(agent);
    const saved = await agent.saveWebhookAsync(hook);

    holds(saved.webhookId > 0, 'saveWebhookAsync', saved.webhookId);
    for (const name of ['name', 'events', 'targetUrl', 'secret', 'headers',
                        'properties', 'errorEmails', 'description', 'notifyVia',
                        'notifyWhen', 'state', 'type']) {
        same(saved[name], hook[name], '... ' + name);
    }
    same(saved.errorsEmail, 'me@example.com', '... errorsEmail');
    holds(Math.abs(saved.registered - Date.now()) < 600000, '... registered',
        saved.registered);
    same([saved.totalCalls, saved.totalErrors, saved.lastError], [0, 0, ''],
        '... no calls yet');
    same(await agent.getWebhookAsync(saved.webhookId), saved,
        'getWebhookAsync gives what was saved');
    return saved;
}

async function changing(agent, saved) {
    const changed = await agent.saveWebhookAsync(Object.assign({}, saved,
        { name: 'changed', state: WebhookState.Stopped }));

    same([changed.webhookId, changed.name, changed.state],
        [saved.webhookId, 'changed', WebhookState.Stopped],
        'saveWebhookAsync changes');
    same(changed.registered, saved.registered, '... not the date');
    same((await agent.getWebhookAsync(saved.webhookId)).state,
        WebhookState.Stopped, '... for good');
    const back = await agent.saveWebhookAsync(Object.assign({}, changed,
        { name: saved.name, state: WebhookState.Active }));

    same(Object.assign({}, back, { updated: 0, updatedAssociate: 0 }),
        Object.assign({}, saved, { updated: 0, updatedAssociate: 0 }),
        '... and back');
}

async function listing(agent, saved) {
    const other = await agent.saveWebhookAsync(await filled(agent,
        { name: 'stopped', state: WebhookState.Stopped, events: ['only.here'] }));
    const ids = hooks => hooks.map(hook => hook.webhookId)
        .filter(id => id === saved.webhookId || id === other.webhookId);
    const both = [saved.webhookId, other.webhookId];

    same(ids(await agent.getAllWebhooksAsync()), both, 'getAllWebhooksAsync');
    same(ids(await agent.getAllWebhooksAsync(null, null, null)), both,
        '... null does not filter');
    same(ids(await agent.getAllWebhooksAsync('', '', WebhookState.Unknown)),
        both, '... nor does nothing');
    same(ids(await agent.getAllWebhooksAsync('stopped', null)),
        [other.webhookId], '... by name');
    same(ids(await agent.getAllWebhooksAsync(undefined, 'npm.event')),
        [saved.webhookId], '... by event');
    same(ids(await agent.getAllWebhooksAsync(null, null,
        WebhookState.Stopped)), [other.webhookId], '... by state');
    same(ids(await agent.getAllWebhooksAsync({ nameFilter: 'nobody' })), [],
        '... by an object');
    const list = await agent.getAllWebhooksAsync();

    same(list.filter(hook => hook.secret !== null), [], '... without secrets');
    same(list[0].state in WebhookState, true, '... with states');
    await agent.deleteWebhookAsync(other.webhookId);
}

async function testing(agent, saved) {
    const good = await agent.testWebhookAsync(saved);

    same([good.success, typeof good.message], [true, 'string'],
        'testWebhookAsync');
    same([good.tableRight, good.fieldProperties], [null, {}], '... a carrier');
    const bad = await agent.testWebhookAsync({ webhook:
        Object.assign({}, saved, { targetUrl: sink + '/bad' }) });

    same(bad.success, false, '... of a bad target');
    holds(/not today/.test(bad.message), '... says why', bad.message);
    await refused(agent.testWebhookAsync(await filled(agent,
        { targetUrl: null })), 400, 'ArgumentException', /TargetUrl/,
        '... of none');
}

// Each of the watched, an agent and an id, is called four times by it.
async function signalling(agent, ...watched) {
    const calls = () => Promise.all(watched.map(async ([owner, id]) =>
        (await owner.getWebhookAsync(id)).totalCalls));
    const before = await calls();

    same(await agent.signalEventAsync('npm.event', 7, { b: 1, A: { c: 2 } }),
        '', 'signalEventAsync');
    same(await agent.signalEventAsync('npm.event', 8), '', '... without data');
    same(await agent.signalEventAsync('npm.event', 9, null), '',
        '... with null');
    same(await agent.signalEventAsync({ eventName: 'npm.event',
        primaryKey: -10, data: {} }), '', '... as an object');
    await refused(agent.signalEventAsync('not a name', 7), 400,
        'ArgumentException', /event name/i, '... with a bad name');
    await refused(agent.signalEventAsync('npm.event', 2147483648), 400,
        'ArgumentException', /primary ?key/i, '... with a bad key');
    const after = before.map(count => count + 4);

    await pollUntil(async () => (await calls()).every(
        (count, i) => count >= after[i]), 15000);
    same(await calls(), after, '... calls are counted');
}

async function failing(agent, saved) {
    same(await agent.getLastErrorAsync(saved.webhookId), '',
        'getLastErrorAsync when there was none');
    const hook = await agent.saveWebhookAsync(await filled(agent,
        { events: ['npm.fails'], targetUrl: sink + '/bad' }));

    await agent.signalEventAsync('npm.fails', 1, {});
    const text = await pollUntil(
        () => agent.getLastErrorAsync(hook.webhookId), 15000);

    holds(/not today/.test(text), '... and after a failure', text);
    const failed = await agent.getWebhookAsync(hook.webhookId);

    same(failed.lastError, text, '... as in the webhook');
    holds(failed.totalCalls > 0 && failed.totalErrors > 0, '... with counts',
        JSON.stringify(failed));
    await agent.deleteWebhookAsync(hook.webhookId);
}

async function errors(agent, saved) {
    await refused(agent.saveWebhookAsync(await filled(agent,
        { targetUrl: 'https://10.0.0.1/' })), 400, 'ArgumentException',
        /not allowed/, 'saveWebhookAsync with a forbidden target');
    await refused(agent.saveWebhookAsync(await filled(agent,
        { targetUrl: 'nonsense' })), 400, 'ArgumentException', /TargetUrl/,
        '... with a target that is none');
    await rejected(agent.saveWebhookAsync(null), 400, '... with nothing');
    await rejected(agent.saveWebhookAsync(Object.assign({}, saved,
        { webhookId: missing })), 404, '... of one that is not there');
    same(await agent.getWebhookAsync(missing), null,
        'getWebhookAsync of one that is not there');
    await rejected(agent.getWebhookAsync('x'), 400, '... of no number');
    const data = { auth: { username: 'tje0', password: 'wrong' } };

    await rejected(new WebhookAgent(url, data).getWebhookAsync(
        saved.webhookId), 401, 'a wrong password');
}

async function deleting(agent, saved) {
    same(await agent.deleteWebhookAsync(saved.webhookId), '',
        'deleteWebhookAsync');
    same(await agent.getWebhookAsync(saved.webhookId), null, '... it is gone');
}

// The test of the vendor, against a server with the vendor's default.
async function strict() {
    const agent = new WebhookAgent(strictUrl, basic());

    await refused(agent.saveWebhookAsync({ name: 'My hook',
        events: ['contact.created'], type: 'webhook',
        targetUrl: 'http://www.example.com' }), 400, 'ArgumentException',
        /^Webhook TargetUrl must be secure: 'HTTPS:' not found in http:\/\/www\.example\.com/,
        'saveWebhookAsync rejects a target that is not https');
    const hook = await agent.saveWebhookAsync({ name: 'My hook',
        events: ['contact.created'], type: 'webhook',
        targetUrl: 'https://www.example.com' });

    holds(/^https:\/\/www\.example\.com\/?$/.test(hook.targetUrl),
        '... and accepts https', hook.targetUrl);
    same([hook.type, hook.state], ['webhook', WebhookState.Active],
        '... as the vendor\'s test has it');
    holds(hook.webhookId !== 0, '... with an id', hook.webhookId);
}

async function options(saved) {
    const urls = [url, url + '/', url + '/api', url + '/api/', url + '/deep/api'];

    for (const one of urls) {
        const hook = await new WebhookAgent(one, basic())
            .getWebhookAsync(saved.webhookId);

        same(hook && hook.webhookId, saved.webhookId, 'base URL '
            + one.slice(url.length));
    }
    const agent = new WebhookAgent({ baseUrl: url, axiosConfig: basic(),
        languageCode: 'no', cultureCode: 'nb-NO',
        timezone: 'W. Europe Standard Time', timezoneInclude: true });
    const hook = await agent.getWebhookAsync(saved.webhookId,
        { languageCode: '', cultureCode: '', timezone: '',
          timezoneInclude: true, ifModifiedSince: new Date() });

    same(hook, saved, 'languages and time zones change nothing');
    const inherited = await new WebhookAgent().getWebhookAsync(saved.webhookId);

    same(inherited, saved, 'an agent without options is like the first');
}

async function tickets(saved) {
    const agent = new WebhookAgent(url, { headers: {
        Authorization: 'SOTicket ' + ticket, 'SO-AppToken': app } });
    const own = await saving(agent);

    same((await agent.getAllWebhooksAsync()).map(hook => hook.webhookId),
        [own.webhookId], 'an application sees its own webhooks');
    same(await agent.getWebhookAsync(saved.webhookId), null,
        '... and no others');
    await signalling(agent, [agent, own.webhookId],
        [new WebhookAgent(url, basic()), saved.webhookId]);
    await deleting(agent, own);
    await rejected(new WebhookAgent(url, { headers: {
        Authorization: 'SOTicket ' + ticket + 'x', 'SO-AppToken': app } })
        .getAllWebhooksAsync(), 401, 'a ticket that is none');
}

async function main() {
    const agent = new WebhookAgent(url, basic());

    await defaults(agent);
    const saved = await saving(agent);

    await changing(agent, saved);
    await listing(agent, saved);
    await testing(agent, saved);
    await errors(agent, saved);
    await strict();
    const now = await agent.getWebhookAsync(saved.webhookId);

    await options(now);
    if (ticket) {
        await tickets(saved);
    }
    await signalling(agent, [agent, saved.webhookId]);
    await failing(agent, saved);
    await deleting(agent, saved);
    report(true, 'all done');
}

main().catch(error => {
    const answer = error.response && JSON.stringify(error.response.data);

    report(false, 'unexpected', `${error.stack} ${answer}`);
});
