// Package buffer is the durable log between receiving and delivery: appends
// share fsyncs, runs of them are sealed into batches, and a batch stays until
// its delivery is confirmed.
package buffer
