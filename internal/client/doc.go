// Package client talks HTTP to a running Sluice: it sends records, asks queries
// and reads the state of streams, for the commands that need the service.
//
// Client is the plain API, one call a request. Sender is the load tool: it cuts
// NDJSON into requests, sends them over several connections, and tells how fast
// that was.
//
// # What a Sender promises
//
//   - Every line is accounted for: as accepted, as rejected (with the server's
//     reason, for the first few), or not sent because Run ended with an error.
//   - Busy is not an error: a request answered 429 or 503 is sent again, after
//     the Retry-After that the server asked for, until ctx ends. Where the server
//     says how far it came, only the rest is sent again.
//   - A server that cannot be reached before the first request is an error at
//     once. One that goes away later is waited for, Outage long.
//   - Memory is bounded: a request's lines for each connection, and two more.
//   - A reader that delivers slowly (tail -f) is not waited for until a request
//     is full: what there is goes after Linger.
//
// # What it does not promise
//
// Exactly once. If a connection breaks before the answer is read, or the server
// fails (500), nobody knows whether the records were stored; they are sent again
// and may be there twice. Summary.Uncertain counts those requests. Order is not
// kept either, beyond one connection.
package client
