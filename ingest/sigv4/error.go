package sigv4

import "fmt"

// The codes of an Error, which are AWS's. All are answered with status 403.
const (
	CodeMissing      = "MissingAuthenticationTokenException" // there is no signature
	CodeIncomplete   = "IncompleteSignatureException"        // one that cannot be read
	CodeUnrecognized = "UnrecognizedClientException"         // of a key that is not known
	CodeInvalid      = "InvalidSignatureException"           // wrong, too old, of something else
)

// An Error says why a request is not taken for its sender's. It holds no secret.
type Error struct {
	Code    string
	Message string // for the person who runs the client
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func fail(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}
