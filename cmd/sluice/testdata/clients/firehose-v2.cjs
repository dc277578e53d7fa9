// aws-sdk v2 as the bookstore's Lambda calls it: putRecord(params, callback).
const AWS = require('aws-sdk');

const [url, count] = process.argv.slice(2);
const firehose = new AWS.Firehose({ endpoint: url, region: 'eu-central-1' });
let next = 0, done = 0, again = 0;

function send(i) {
  const params = {
    DeliveryStreamName: 'events',
    Record: { Data: JSON.stringify({ i, title: `Émile ${i}`, price: i / 100 }) },
  };
  firehose.putRecord(params, (err, data) => {
    if (err) {
      if (err.code !== 'ServiceUnavailableException' || again++ > 1000) throw err;
      return send(i);
    }
    if (!data.RecordId) throw new Error('no RecordId: ' + JSON.stringify(data));
    done++;
    if (next < count) send(next++);
  });
}

for (let k = 0; k < 50 && next < count; k++) send(next++);
process.on('exit', () => {
  if (done !== Number(count)) { console.error(`${done} of ${count} were taken`); process.exitCode = 1; }
});
