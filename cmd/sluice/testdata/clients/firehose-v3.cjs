// @aws-sdk/client-firehose v3: batches, of which failed entries are sent again.
const { FirehoseClient, PutRecordBatchCommand } = require('@aws-sdk/client-firehose');

const [url, count] = process.argv.slice(2);
const client = new FirehoseClient({ endpoint: url, region: 'eu-central-1', maxAttempts: 5 });

async function main() {
  for (let i = 0; i < count; i += 100) {
    let records = [];
    for (let k = i; k < i + 100; k++) {
      records.push({ Data: new TextEncoder().encode(JSON.stringify({ i: k, title: `Émile ${k}`, price: k / 100 }) + '\n') });
    }
    while (records.length > 0) {
      const answer = await client.send(new PutRecordBatchCommand({ DeliveryStreamName: 'events', Records: records }));
      const results = answer.RequestResponses;
      if (results.length !== records.length) throw new Error('results: ' + results.length);
      records = records.filter((_, k) => results[k].ErrorCode);
      if (records.length !== answer.FailedPutCount) throw new Error('FailedPutCount: ' + answer.FailedPutCount);
    }
  }
}

main().catch((err) => { console.error(err); process.exit(1); });
