// Package firehose is the producer's side of the Amazon Data Firehose API: POST /
// with the JSON 1.1 protocol and X-Amz-Target: Firehose_20150804.…, as the AWS
// SDKs speak it when AWS_ENDPOINT_URL_FIREHOSE points here.
//
// # PutRecord, PutRecordBatch
//
// The limits are the API's: 1,024,000 bytes a record before base64, an empty one
// allowed; 500 records and 4 MiB a batch, 1 at least. What breaks them is answered
// 400, InvalidArgumentException, and nothing of the request is stored.
//
// A record's data is one JSON object, or several one after the other with or
// without white space between them: each becomes a record of the stream. White
// space alone, and an empty record, are taken and leave nothing behind. Base64 may
// lack its padding, and data that is base64 of base64 of objects, as version 1 of
// the AWS CLI sends it, is taken for the objects.
//
// As the API has it, any bytes are accepted. What is no JSON object (an array,
// plain text, broken JSON, and everything after it in the same record) ends under
// the error prefix of the lake, format-conversion-failed, with the reason and the
// bytes as they were sent.
//
// Accepted means on disk. A batch is appended in blocks of about 1 MiB, most
// batches in one. If the first block cannot be stored the answer is 503,
// ServiceUnavailableException (back-pressure; with Retry-After; SDKs repeat it), or
// 500, InternalFailure. If a later one cannot, the answer is 200, and the entries
// from it on have an ErrorCode: those are to be sent again, as with AWS.
//
// # Deliveries from AWS
//
// POST /v1/firehose/{stream} is an HTTP endpoint that Amazon Data Firehose can
// deliver to: {"requestId","timestamp","records":[{"data"}]}, plain or compressed with
// gzip, at most 64 MiB; the answer is 200 {"requestId","timestamp"}. A record's data is
// as above. The request's id, in X-Amz-Firehose-Request-Id or before the records, is
// the same when the delivery is repeated, and what was stored of it is then not
// stored twice, as with an Idempotency-Key. The access key of the endpoint is an API
// key. Common attributes are ignored.
//
// # Delivery streams
//
// CreateDeliveryStream makes a stream of what ExtendedS3DestinationConfiguration says:
//
//   - BufferingHints: the stream's size and interval (0 seconds is 1).
//   - Prefix, CustomTimeZone, ErrorOutputPrefix: prefix, time_zone and error_prefix of the
//     stream (see package partitioner), below the table's folder and _errors.
//   - MetadataExtraction: partition_query, the keys of !{partitionKeyFromQuery:…}, any jq
//     query (see packages partitioner and convert/jq, which says what it may not ask for:
//     the clock, for one). A record that lacks a key, or on which the query fails, ends
//     under the error prefix, processing-failed, with errorCode
//     DynamicPartitioning.MetadataExtractionFailed.
//   - DataFormatConversionConfiguration: the table, and the compression of its Parquet
//     files. They are Parquet in any case.
//   - S3BackupMode Enabled: the raw copy.
//   - BucketARN must name the lake's bucket, if the lake is in one.
//
// Other destinations, sources, Lambda functions, ORC and encryption at rest are
// refused. What has no meaning here (roles, CloudWatch, CompressionFormat, S3 retries) is kept and told by
// DescribeDeliveryStream. UpdateDestination wants the current version and counts from the batch that
// is open. DeleteDeliveryStream answers when everything is delivered; where that
// fails the stream stays. What was created is in one file of the data folder, durable
// before the answer. A stream of the configuration file comes before it, is
// told by Describe and List, and cannot be changed here. Changes are for keys with
// admin.
//
// # Access
//
// Requests are signed (Signature Version 4, service firehose); the body is hashed
// while it is read, and nothing is done before the signature was found good. An API
// key is taken too. 403 is the answer to others, in the API's form; a key over its rate
// gets 503, as the API has it for quotas.
//
// # Memory
//
// A body is read through a window of 16 KiB to 2 MiB, as large as its largest
// value, and each record is decoded straight into the block that is appended.
package firehose
