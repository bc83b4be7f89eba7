// The gateway has no option for its host and listens on all interfaces; this keeps it on loopback.
const net = require('node:net');
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  const options = typeof port === 'object' ? port : { port };
  const callback = rest.find((value) => typeof value === 'function');
  return listen.call(this, { ...options, host: '127.0.0.1' }, callback);
};
