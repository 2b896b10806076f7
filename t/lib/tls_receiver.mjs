// SPDX-License-Identifier: Apache-2.0
// A receiver of callbacks that speaks TLS, with HTTP/1.1 and HTTP/2, and counts
// handshakes; see WebhookTls.pm, which starts it. It ends when its standard
// input does.
import fs from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';

const config = JSON.parse(process.argv[2]);
const log = fs.openSync(`${config.folder}/log`, 'a');
const record = (line) => fs.writeSync(log, `${JSON.stringify(line)}\n`);

const options = {
  cert: fs.readFileSync(config.cert),
  key: fs.readFileSync(config.key),
  maxVersion: config.maxVersion,
  allowHTTP1: true,
};

if (config.clientCa) {
  options.ca = fs.readFileSync(config.clientCa);
  options.requestCert = true;
  options.rejectUnauthorized = true;
}

const server = config.http2
  ? http2.createSecureServer(options)
  : https.createServer(options);

server.on('secureConnection', (socket) => {
  record({
    type: 'connection',
    port: socket.remotePort,
    reused: socket.isSessionReused(),
    version: socket.getProtocol(),
    alpn: socket.alpnProtocol || '',
    client: socket.getPeerCertificate().subject?.CN ?? '',
  });
});

server.on('request', (request, response) => {
  let body = '';

  request.setEncoding('utf8');
  request.on('data', (text) => { body += text; });
  request.on('end', () => {
    record({
      type: 'request',
      port: request.socket.remotePort,
      http: request.httpVersion,
      path: request.url,
      key: JSON.parse(body).PrimaryKey,
    });
    if (config.close) {
      response.setHeader('Connection', 'close');
    }
    response.end();
  });
});

server.on('tlsClientError', () => record({ type: 'refused' }));
process.stdin.on('end', () => process.exit(0));
process.stdin.resume();
server.listen(0, '127.0.0.1', () => {
  fs.writeFileSync(`${config.folder}/port.new`, String(server.address().port));
  fs.renameSync(`${config.folder}/port.new`, `${config.folder}/port`);
});
