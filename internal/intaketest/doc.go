// Package intaketest measures receivers: clients on loopback that post the same
// request again and again to a server in the same process, and the logs behind it.
// Benchmarks of the receivers share it, so that their figures can be compared.
package intaketest
