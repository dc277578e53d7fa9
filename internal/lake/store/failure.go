package store

import (
	"context"
	"errors"
	"io/fs"
)

// A failure is an error of one call, with what is known about a way out of it.
type failure struct {
	op, uri   string
	advice    string // "" where there is none
	retryable bool
	err       error
}

func (f *failure) Error() string {
	s := f.op + " " + f.uri + ": " + f.err.Error()
	if f.advice != "" {
		s += " (" + f.advice + ")"
	}
	return s
}

func (f *failure) Unwrap() error { return f.err }

// Retryable reports whether the same call may succeed later without anybody
// changing something: a network that is down, a service that is overloaded, a
// full disk. It is false for an absent object, a context that ended, a faulty
// argument, missing rights and a missing bucket.
func Retryable(err error) bool {
	var f *failure
	return errors.As(err, &f) && f.retryable
}

// errArgument marks faults of the caller.
var errArgument = errors.New("invalid argument")

// classify makes a failure of a backend's error.
func classify(op, uri string, err error, advise func(error) (string, bool)) error {
	if err == nil {
		return nil
	}
	f := &failure{op: op, uri: uri, err: err}
	if !hopeless(err) {
		f.advice, f.retryable = advise(err)
	}
	return f
}

// hopeless knows the errors that mean the same for every backend.
func hopeless(err error) bool {
	for _, target := range []error{fs.ErrNotExist, context.Canceled, context.DeadlineExceeded, errArgument} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
