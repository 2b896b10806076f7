// SPDX-License-Identifier: Apache-2.0
// A receiver of callbacks that breaks the rules of HTTP/2, frame by frame; see
// WebhookHttp2.pm, which starts it and says what each of its ways is about. A
// listener for each; "mend" on standard input turns all of them into good ones.
// It ends when its standard input does.
import fs from 'node:fs';
import tls from 'node:tls';

const config = JSON.parse(process.argv[2]);
const log = fs.openSync(`${config.folder}/log`, 'a');
const record = (line) => fs.writeSync(log, `${JSON.stringify(line)}\n`);
const connections = new Set();
const refusedKeys = new Set();
let mended = false;
let connectionCount = 0;

// ---- frames (RFC 9113, 6) ---------------------------------------------------

const DATA = 0;
const HEADERS = 1;
const PRIORITY = 2;
const RST_STREAM = 3;
const SETTINGS = 4;
const PUSH_PROMISE = 5;
const PING = 6;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;
const CONTINUATION = 9;
const END_STREAM = 1;
const ACK = 1;
const END_HEADERS = 4;
const NO_ERROR = 0;
const INTERNAL_ERROR = 2;
const REFUSED_STREAM = 7;
const CANCEL = 8;
const ENHANCE_YOUR_CALM = 11;
const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

function frame(type, flags, stream, payload = Buffer.alloc(0)) {
  const head = Buffer.alloc(9);

  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

function numbers(...values) {
  const bytes = Buffer.alloc(4 * values.length);

  values.forEach((value, i) => bytes.writeUInt32BE(value, 4 * i));
  return bytes;
}

function settings(...pairs) {
  return frame(SETTINGS, 0, 0, Buffer.concat(pairs.map(([id, value]) => {
    const bytes = Buffer.alloc(6);

    bytes.writeUInt16BE(id, 0);
    bytes.writeUInt32BE(value, 2);
    return bytes;
  })));
}

// HPACK without its tables: a literal with a new name, never indexed. Bytes are
// Latin-1.
function string(text) {
  const bytes = Buffer.from(text, 'latin1');
  const length = [];
  let left = bytes.length;

  if (left < 127) {
    length.push(left);
  } else {
    length.push(127);
    for (left -= 127; left > 127; left >>= 7) {
      length.push((left & 127) | 128);
    }
    length.push(left);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}

const block = (headers) => Buffer.concat(headers.flatMap(([name, value]) => [
  Buffer.from([0x10]), string(name), string(value)]));

const reset = (id, code) => frame(RST_STREAM, 0, id, numbers(code));
const goaway = (last, code) => frame(GOAWAY, 0, 0, numbers(last, code));
const data = (id, text, end) => frame(DATA, end ? END_STREAM : 0, id,
  Buffer.from(text));

// An answer's headers; they end the stream unless more is to come.
const head = (id, status, { more = false, also = [] } = {}) => frame(HEADERS,
  END_HEADERS | (more ? 0 : END_STREAM), id,
  block([[':status', status], ...also]));

// ---- a connection -----------------------------------------------------------

class Connection {
  constructor(way, socket) {
    this.way = way;
    this.socket = socket;
    this.number = ++connectionCount;
    this.input = Buffer.alloc(0);
    this.prefaced = false;
    this.bodies = new Map();
    this.streams = 0;
    this.closed = false;
    record({ type: 'connection', way: way.name, connection: this.number,
      alpn: socket.alpnProtocol || '' });
    socket.on('data', (bytes) => this.take(bytes));
    socket.on('error', () => {});
    socket.on('close', () => { this.closed = true; connections.delete(this); });
    connections.add(this);
  }

  get good() { return mended || this.way.good; }

  send(...frames) { this.socket.write(Buffer.concat(frames)); }

  // The same bytes again and again, as fast as the other side takes them.
  flood(bytes) {
    const piece = Buffer.concat(
      Array(1 + Math.floor(32768 / bytes.length)).fill(bytes));
    const more = () => {
      while (!this.closed && this.socket.write(piece));
      if (!this.closed) {
        this.socket.once('drain', more);
      }
    };

    more();
  }

  take(bytes) {
    this.input = Buffer.concat([this.input, bytes]);
    if (this.way.http1) {
      this.takeHttp1();
      return;
    }
    if (!this.prefaced) {
      if (this.input.length < preface.length) {
        return;
      }
      this.input = this.input.subarray(preface.length);
      this.prefaced = true;
      this.begin();
    }
    while (this.input.length >= 9) {
      const length = this.input.readUIntBE(0, 3);

      if (this.input.length < 9 + length) {
        return;
      }
      const payload = this.input.subarray(9, 9 + length);
      const [type, flags] = this.input.subarray(3, 5);
      const id = this.input.readUInt32BE(5) & 0x7fffffff;

      this.input = this.input.subarray(9 + length);
      this.takeFrame(type, flags, id, payload);
    }
  }

  begin() {
    if (!this.good && this.way.begin) {
      this.way.begin(this);
    } else {
      this.send(settings());
    }
  }

  takeFrame(type, flags, id, payload) {
    if (type === SETTINGS && !(flags & ACK)) {
      if (!this.way.noAck) {
        this.send(frame(SETTINGS, ACK, 0));
      }
    } else if (type === PING && !(flags & ACK)) {
      this.send(frame(PING, ACK, 0, payload));
    } else if (type === RST_STREAM) {
      this.bodies.delete(id);
    } else if (type === HEADERS) {
      this.streams += 1;
      this.bodies.set(id, '');
      record({ type: 'request', way: this.way.name, connection: this.number,
        stream: id });
      if (!this.good && this.way.headers) {
        this.way.headers(this, id);
      }
    } else if (type === DATA && this.bodies.has(id)) {
      this.takeData(flags, id, payload);
    }
  }

  takeData(flags, id, payload) {
    const text = this.bodies.get(id) + payload.toString('latin1');

    this.bodies.set(id, text);
    if ((this.good || !this.way.stalls) && payload.length > 0) {
      this.send(frame(WINDOW_UPDATE, 0, 0, numbers(payload.length)),
        frame(WINDOW_UPDATE, 0, id, numbers(payload.length)));
    }
    if (flags & END_STREAM) {
      this.bodies.delete(id);
      this.takeRequest(id, JSON.parse(text));
    }
  }

  takeRequest(id, { Event, PrimaryKey }) {
    const request = { event: Event, key: PrimaryKey };

    if (!this.good && this.way.request) {
      this.way.request(this, id, request);
    } else {
      this.answer(id, request);
    }
  }

  answer(id, request) {
    record({ type: 'answer', way: this.way.name, connection: this.number,
      stream: id, ...request });
    this.send(head(id, '200'));
  }

  takeHttp1() {
    const text = this.input.toString('latin1');
    const [, length] = /content-length: (\d+)/i.exec(text) || [];
    const end = text.indexOf('\r\n\r\n') + 4;

    if (end < 4 || text.length < end + Number(length)) {
      return;
    }
    const { Event, PrimaryKey } = JSON.parse(text.slice(end));

    this.input = Buffer.alloc(0);
    record({ type: 'request', way: this.way.name, connection: this.number });
    record({ type: 'answer', way: this.way.name, connection: this.number,
      event: Event, key: PrimaryKey });
    this.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  }
}

// ---- the ways ---------------------------------------------------------------

// What is done once a request is there: frames, then perhaps the end.
const says = (...make) => ({ request: (c, id) => c.send(
  ...make.map((one) => one(id))) });
const saysAndCloses = (...make) => ({ request: (c, id) => c.socket.end(
  Buffer.concat(make.map((one) => one(id)))) });
const floods = (make, ...first) => ({ request: (c, id) => {
  c.send(...first.map((one) => one(id)), Buffer.alloc(0));
  c.flood(make(id));
} });
const begins = (...frames) => ({ begin: (c) => c.send(...frames) });
const status = (text) => says((id) => head(id, text));
const ok = (id) => head(id, '200', { more: true });
const no = (id) => head(id, '500', { more: true });
const large = [['x-a', 'x'.repeat(8000)]];

// Streams of one connection, then GOAWAY: what is behind the last was not read.
function leaving(code, answered) {
  return {
    headers(c, id) {
      if (c.streams === answered + 1) {
        c.send(goaway(2 * answered - 1, code));
      }
    },
    request(c, id, request) {
      if (id <= 2 * answered - 1) {
        c.answer(id, request);
      }
    },
  };
}

// One answer for the webhook that shares a connection with a good one.
const sharing = (bad) => ({
  request(c, id, request) {
    if (/bad$/.test(request.event)) {
      bad(c, id);
    } else {
      c.answer(id, request);
    }
  },
});

const ways = {
  ok: { good: true },
  'http1-only': { alpn: ['http/1.1'], http1: true },
  'no-alpn': { alpn: [], http1: true },
  liar: { request: (c) => c.socket.end(
    'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n') },
  'liar-early': { begin: (c) => c.socket.end(
    'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n') },

  'close-early': { begin: (c) => c.socket.end() },
  close: { request: (c) => c.socket.end() },
  destroy: { request: (c) => c.socket.destroy() },
  hang: { request() {} },
  'cut-frame': { request: (c, id) => c.socket.end(
    head(id, '200').subarray(0, 12)) },
  'cut-head': saysAndCloses((id) => frame(HEADERS, END_STREAM, id,
    block([[':status', '200']]))),
  'cut-body': saysAndCloses(ok, (id) => data(id, 'abc', false)),
  'cut-500': saysAndCloses(no, (id) => data(id, 'abc', false)),
  'no-ack': { noAck: true, good: true },

  'goaway-early': { ...begins(settings(), goaway(0, NO_ERROR)),
    request() {} },
  'goaway-calm': { ...begins(settings(), goaway(0, ENHANCE_YOUR_CALM)),
    request() {} },
  'goaway-close': { begin: (c) => c.socket.end(
    Buffer.concat([settings(), goaway(0, NO_ERROR)])) },
  'goaway-first': says(() => goaway(0x7fffffff, NO_ERROR),
    (id) => head(id, '200')),
  'goaway-after': says((id) => head(id, '200'), () => goaway(0, NO_ERROR)),
  'goaway-calm-after': saysAndCloses((id) => goaway(id, ENHANCE_YOUR_CALM)),
  'leaves-20': leaving(NO_ERROR, 20),
  'leaves-1-calm': leaving(ENHANCE_YOUR_CALM, 1),

  refused: says((id) => reset(id, REFUSED_STREAM)),
  'refused-early': { headers: (c, id) => c.send(reset(id, REFUSED_STREAM)),
    request() {} },
  'refused-once': {
    request(c, id, request) {
      if (refusedKeys.has(request.key)) {
        c.answer(id, request);
      } else {
        refusedKeys.add(request.key);
        c.send(reset(id, REFUSED_STREAM));
      }
    },
  },
  'refused-503': says((id) => head(id, '503', { more: true }),
    (id) => reset(id, REFUSED_STREAM)),
  'reset-cancel': says((id) => reset(id, CANCEL)),
  'reset-internal': says((id) => reset(id, INTERNAL_ERROR)),
  'reset-no-error': says((id) => reset(id, NO_ERROR)),
  'reset-head': says(ok, (id) => reset(id, CANCEL)),
  'reset-500': says(no, (id) => reset(id, INTERNAL_ERROR)),
  'reset-idle': says(() => reset(99, CANCEL)),

  'max-1': begins(settings([3, 1])),
  'max-0': { begin: (c) => c.send(settings([3, 0])),
    request: (c, id) => c.send(reset(id, REFUSED_STREAM)) },
  'window-stalled': { stalls: true },
  'window-0': begins(settings([4, 0])),
  'window-nothing': says(() => frame(WINDOW_UPDATE, 0, 0, numbers(0))),
  'window-overflow': says(() => frame(WINDOW_UPDATE, 0, 0, numbers(0x7fffffff)),
    () => frame(WINDOW_UPDATE, 0, 0, numbers(0x7fffffff))),
  'table-huge': begins(settings([1, 0xffffffff])),
  'frame-size': begins(settings([5, 1])),

  'settings-flood': floods(() => settings([1, 4096])),
  'settings-early': { begin: (c) => c.flood(settings([1, 4096])) },
  'ping-flood': floods(() => frame(PING, 0, 0, Buffer.alloc(8))),
  'priority-flood': floods(() => frame(PRIORITY, 0, 1,
    Buffer.from([0, 0, 0, 3, 1]))),
  'reset-flood': floods((id) => reset(id, CANCEL)),
  'unknown-flood': floods(() => frame(200, 0, 0, Buffer.alloc(64))),
  'empty-data': floods((id) => data(id, '', false), no),
  'empty-data-200': floods((id) => data(id, '', false), ok),
  'body-endless': floods((id) => data(id, 'x'.repeat(16000), false), ok),
  'body-endless-500': floods((id) => data(id, 'x'.repeat(16000), false), no),
  'padding': floods((id) => frame(DATA, 8, id,
    Buffer.concat([Buffer.from([255]), Buffer.alloc(255)])), no),
  'interim-flood': floods((id) => head(id, '103', { more: true,
    also: [['x-a', 'b']] })),
  interim: says((id) => head(id, '103', { more: true }),
    (id) => head(id, '100', { more: true }), (id) => head(id, '200')),
  'interim-only': says((id) => head(id, '100', { more: true })),
  'interim-end': says((id) => head(id, '100')),
  101: status('101'),

  'head-huge': { request: (c, id) => c.send(
    frame(HEADERS, END_STREAM, id, block([[':status', '200']])),
    ...Array(128).fill(frame(CONTINUATION, 0, id, block(large))),
    frame(CONTINUATION, END_HEADERS, id)) },
  'head-100k': { request: (c, id) => c.send(
    frame(HEADERS, END_STREAM, id, block([[':status', '200']])),
    ...Array(12).fill(frame(CONTINUATION, 0, id, block(large))),
    frame(CONTINUATION, END_HEADERS, id)) },
  'head-48k': { request: (c, id) => c.send(
    frame(HEADERS, END_STREAM, id, block([[':status', '200']])),
    ...Array(6).fill(frame(CONTINUATION, 0, id, block(large))),
    frame(CONTINUATION, END_HEADERS, id)) },
  'continuation-flood': floods((id) => frame(CONTINUATION, 0, id, block(large)),
    (id) => frame(HEADERS, 0, id, block([[':status', '200']]))),
  'continuation-empty': floods((id) => frame(CONTINUATION, 0, id),
    (id) => frame(HEADERS, 0, id, block([[':status', '200']]))),
  // 4 KiB in the table, then one byte for each time it is named.
  'hpack-bomb': { request: (c, id) => c.send(
    frame(HEADERS, END_STREAM, id, Buffer.concat([block([[':status', '200']]),
      Buffer.from([0x40]), string('x-a'), string('y'.repeat(4000))])),
    ...Array(64).fill(frame(CONTINUATION, 0, id, Buffer.alloc(16000, 0xbe))),
    frame(CONTINUATION, END_HEADERS, id)) },

  'bad-type': says((id) => frame(HEADERS, END_HEADERS, 0,
    block([[':status', '200']]))),
  'bad-size': says(() => frame(DATA, 0, 1, Buffer.alloc(20000))),
  'bad-hpack': says((id) => frame(HEADERS, END_HEADERS | END_STREAM, id,
    Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]))),
  'bad-settings': begins(frame(SETTINGS, 0, 0, Buffer.alloc(5))),
  'bad-continuation': says((id) => frame(CONTINUATION, END_HEADERS, id)),
  'even-stream': says(() => head(2, '200')),
  push: says((id) => frame(PUSH_PROMISE, END_HEADERS, id, Buffer.concat([
    numbers(2), block([[':method', 'GET'], [':path', '/'],
      [':scheme', 'https'], [':authority', 'x']])])), (id) => head(id, '200')),
  garbage: { request: (c) => c.socket.end(Buffer.alloc(4096, 0xa5)) },

  'upper-case': says((id) => head(id, '200', { also: [['X-A', 'b']] })),
  'connection-header': says((id) => head(id, '200',
    { also: [['connection', 'close']] })),
  nul: says((id) => head(id, '200', { also: [['x-a', 'a\0b']] })),
  newline: says((id) => head(id, '500',
    { also: [['x-a', 'a\r\n\r\nHTTP/1.1 200 OK']] })),
  'no-status': says((id) => frame(HEADERS, END_HEADERS | END_STREAM, id,
    block([['x-a', 'b']]))),
  'two-status': says((id) => head(id, '500', { also: [[':status', '200']] })),
  'late-status': says((id) => frame(HEADERS, END_HEADERS | END_STREAM, id,
    block([['x-a', 'b'], [':status', '200']]))),
  '000': status('000'),
  '099': status('099'),
  999: status('999'),
  2000: status('2000'),
  'status-x': status('2x0'),
  404: status('404'),
  307: says((id) => head(id, '307', { also: [['location', '/trap']] })),

  trailer: says(ok, (id) => frame(HEADERS, END_HEADERS | END_STREAM, id,
    block([['x-a', 'b']]))),
  'trailer-500': says(no, (id) => frame(HEADERS, END_HEADERS | END_STREAM, id,
    block([['retry-after', '9'], ['x-a', 'b']]))),
  'trailer-status': says(no, (id) => head(id, '200')),
  'long-body': says((id) => head(id, '200', { more: true,
    also: [['content-length', '1']] }), (id) => data(id, 'xxxxx', true)),
  'long-500': says((id) => head(id, '500', { more: true,
    also: [['content-length', '1']] }), (id) => data(id, 'xxxxx', true)),
  'short-body': says((id) => head(id, '200', { more: true,
    also: [['content-length', '9']] }), (id) => data(id, 'x', true)),
  held: says(ok),
  'held-500': says(no),
  'after-end': says((id) => head(id, '500'), (id) => head(id, '200'),
    (id) => data(id, 'x', true)),

  'share-reset': sharing((c, id) => c.send(reset(id, INTERNAL_ERROR))),
  'share-large': sharing((c, id) => ways['head-100k'].request(c, id)),
  'share-body': sharing((c, id) => c.send(no(id),
    ...Array(8).fill(data(id, 'x'.repeat(16000), false)))),
  'share-hang': sharing(() => {}),
};

// ---- listeners --------------------------------------------------------------

function listen([name, way]) {
  const options = { cert: fs.readFileSync(config.cert),
    key: fs.readFileSync(config.key), ALPNProtocols: way.alpn || ['h2'] };

  if (options.ALPNProtocols.length === 0) {
    delete options.ALPNProtocols;
  }
  return new Promise((resolve) => {
    const server = tls.createServer(options,
      (socket) => new Connection({ name, ...way }, socket));

    server.on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1', () => resolve([name, server.address().port]));
  });
}

process.stdin.on('data', () => {
  mended = true;
  connections.forEach((connection) => connection.socket.destroy());
  record({ type: 'mended' });
});
process.stdin.on('end', () => process.exit(0));

const ports = await Promise.all(Object.entries(ways).map(listen));

fs.writeFileSync(`${config.folder}/port.new`,
  JSON.stringify(Object.fromEntries(ports)));
fs.renameSync(`${config.folder}/port.new`, `${config.folder}/port`);
