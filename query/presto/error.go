package presto

import "fmt"

// An Error says what of a statement is not supported, or is not Presto's.
type Error struct {
	Message  string
	Position int // in the statement, -1 if unknown
}

func (e *Error) Error() string { return e.Message }

func refuse(position int, format string, args ...any) *Error {
	return &Error{Message: fmt.Sprintf(format, args...), Position: position}
}
