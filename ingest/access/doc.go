// Package access says who calls and what they may do.
//
// A caller proves who it is by one of: an API key (Authorization: Bearer, the
// password of Basic, X-Api-Key), a Segment write key, a Firehose access key, a
// client certificate, or a signature as AWS SDKs make them (see package sigv4).
// Each leads to a Principal, which says which streams may be written, which
// databases queried, and whether all may be done.
//
// It promises:
//   - Without a configured key, and unless client certificates are required, a
//     Guard lets everybody do everything. With one, nobody gets in without proof,
//     and a proof that is wrong is refused even where another one is right.
//   - Keys are kept as their SHA-256. That is enough for random keys of 128 bits
//     or more, which cannot be guessed however fast the hash is; a password that
//     people think up is no such key. Secrets of signatures must be had to check
//     one; they are read from files that nobody else may read, or from variables.
//   - No secret is in an error, a log line or a configuration that is printed.
//   - Comparisons take the same time however much agrees.
//   - What it remembers is bounded by the number of configured keys, whatever is
//     sent.
//
// Rates and quotas are counted in memory: each process has its own, and begins anew
// when it starts.
//
// It does not promise that a request which someone overheard cannot be sent again:
// within 15 minutes a signed one can, as with AWS. Use TLS.
package access
