// Package sigv4 verifies AWS Signature Version 4 of HTTP requests, as AWS SDKs
// sign calls of every service but S3: in the Authorization header, or presigned in
// the query. It knows no keys.
//
// # What is verified
//
//   - The signature covers the method, the path, the query, the signed headers
//     and the SHA-256 of the body. Any headers may be signed; host must be, and
//     x-amz-target, which says what is asked for, where it is sent.
//   - A hash of the body in x-amz-content-sha256 is that of the body which came.
//     UNSIGNED-PAYLOAD and STREAMING-… are refused: no signer uses them here.
//   - The time of the signature is within Window of the clock; a presigned
//     request may be older, as far as its X-Amz-Expires allows (seven days at most).
//   - The scope is of the service that is asked, of any region.
//
// Signatures are compared in constant time. Verifying takes memory in proportion
// to the request's headers, which the server bounds.
//
// # What is not
//
// A request that is sent again within the window is not noticed, nor does AWS.
// Session tokens are not looked at: temporary credentials are of accounts that
// this package knows nothing of. Signature Version 4A (ECDSA) is not known.
//
// The rules are those of "AWS Signature Version 4 for API requests" in the AWS
// Identity and Access Management User Guide; the tests hold them against AWS's
// published test vectors and against the signers of the Go and Python SDKs.
package sigv4
