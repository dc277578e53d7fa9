package embedded

import (
	"errors"
	"fmt"
	"net/http"
)

// A fault is an error that the protocol has a name for.
type fault struct {
	status  int
	code    string
	message string
}

func (f *fault) Error() string { return f.code + ": " + f.message }

// detail is the fault as the answers to batches carry it.
func (f *fault) detail() errorDetail { return errorDetail{f.code, f.message} }

func notFound(format string, args ...any) *fault {
	return &fault{http.StatusBadRequest, "EntityNotFoundException", fmt.Sprintf(format, args...)}
}

func alreadyExists(format string, args ...any) *fault {
	return &fault{http.StatusBadRequest, "AlreadyExistsException", fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *fault {
	return &fault{http.StatusBadRequest, "InvalidInputException", fmt.Sprintf(format, args...)}
}

func conflict(format string, args ...any) *fault {
	return &fault{http.StatusBadRequest, "ConcurrentModificationException", fmt.Sprintf(format, args...)}
}

// asFault is err as a batch reports it for one entry; ok is false for an error
// that ends the batch.
func asFault(err error) (*fault, bool) {
	var f *fault
	ok := errors.As(err, &f)
	return f, ok
}
