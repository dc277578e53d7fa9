package catalogsync

import (
	"errors"
	"fmt"

	"github.com/aws/smithy-go"

	"sluice/internal/lake"
)

// ErrNotFound is what errors.Is finds when the database or table asked for is
// not in the catalog.
var ErrNotFound = errors.New("not in the catalog")

// A ColumnTypeError says that a column's type, as the catalog has it, is none
// that Sluice knows.
type ColumnTypeError struct {
	Table  lake.TableName
	Column string
	Type   string // as the catalog has it
	Err    error
}

func (e *ColumnTypeError) Error() string {
	return fmt.Sprintf("column %s of table %s has a type that cannot be read: %v", e.Column, e.Table, e.Err)
}

func (e *ColumnTypeError) Unwrap() error { return e.Err }

// A PartitionElsewhereError says that a partition to be added is in the catalog
// already, but at another location: files put where the caller wanted them
// would not be seen by any reader.
type PartitionElsewhereError struct {
	Table          lake.TableName
	Values         []string
	Location, Want string
}

func (e *PartitionElsewhereError) Error() string {
	return fmt.Sprintf("partition %q of table %s is registered at %s, not at %s", e.Values, e.Table, e.Location, e.Want)
}

// The error codes of Glue on which something here depends.
const (
	codeNotFound               = "EntityNotFoundException"
	codeAlreadyExists          = "AlreadyExistsException"
	codeConcurrentModification = "ConcurrentModificationException"
	codeVersionMismatch        = "VersionMismatchException"
	codeInternal               = "InternalServiceException"
	codeTimeout                = "OperationTimeoutException"
	codeNotReady               = "ResourceNotReadyException"
	codeThrottling             = "ThrottlingException"
)

// errorCode is the catalog's code for err, "" when the catalog did not answer.
func errorCode(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// orNotFound turns the catalog's word for it into ErrNotFound.
func orNotFound(err error) error {
	if errorCode(err) == codeNotFound {
		return ErrNotFound
	}
	return err
}
