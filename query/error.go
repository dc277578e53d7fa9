package query

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"sluice/buffer"
	"sluice/internal/lake/store"
	"sluice/query/checkpoint"
	"sluice/query/ddl"
	"sluice/query/executor"
	"sluice/query/presto"
	"sluice/query/statement"
	"sluice/query/write"
)

// A Code says what kind of fault an Error is.
type Code string

const (
	CodeSyntax    Code = "syntax_error"    // the text is not SQL
	CodeInvalid   Code = "invalid_query"   // it is SQL, but does not fit the tables, or failed on a value
	CodeForbidden Code = "forbidden"       // it asks for something that is not a table
	CodeNotFound  Code = "table_not_found" // no such table or database
	CodeExists    Code = "already_exists"  // what a statement would make is there, or its place is not empty
	CodeTimeout   Code = "timeout"
	CodeCanceled  Code = "canceled"
	CodeQueueFull Code = "queue_full"
	CodeResources Code = "resources_exceeded" // memory or temporary space
	CodeLimit     Code = "limit_exceeded"     // bytes to scan, rows or bytes of the answer; see Limits
	// CodeDiskFull is of the disk on which the engine keeps what it fetches, converts
	// and sorts; CodeLake of a lake whose store does not answer for now.
	CodeDiskFull Code = "disk_full"
	CodeLake     Code = "lake_unavailable"
	CodeInternal Code = "internal_error"
	// Of checkpoints: a run of the name is under way; there is none of the name; what
	// it would read next, or the run to confirm, is not known any more.
	CodeBusy         Code = "checkpoint_busy"
	CodeNoCheckpoint Code = "checkpoint_not_found"
	CodeExpired      Code = "checkpoint_expired"
)

// An Error is why a query failed, in words for the one who wrote it.
type Error struct {
	Code    Code
	Message string

	cause error
}

func (e *Error) Error() string { return e.Message }

func (e *Error) Unwrap() error { return e.cause }

var errClosed = errors.New("the query engine is closed")

func fault(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// asError makes any error an *Error. Positions in it are into sql; dir is the
// engine's folder.
func asError(err error, sql, dir string) *Error {
	var known *Error
	var refusal *statement.Refusal
	var duck *executor.Error
	var dialect *presto.Error
	var written *write.Error
	var limit *write.LimitError
	var definition *ddl.Error
	var moved *movedError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &definition):
		return &Error{Code: CodeSyntax, Message: definition.Message + where(sql, definition.Position), cause: err}
	case errors.Is(err, checkpoint.ErrBusy):
		return &Error{Code: CodeBusy, Message: err.Error(), cause: err}
	case errors.Is(err, checkpoint.ErrNotFound):
		return &Error{Code: CodeNoCheckpoint, Message: err.Error(), cause: err}
	case errors.Is(err, checkpoint.ErrExpired):
		return &Error{Code: CodeExpired, Message: err.Error(), cause: err}
	case errors.Is(err, checkpoint.ErrInvalid):
		return &Error{Code: CodeInvalid, Message: err.Error(), cause: err}
	case errors.As(err, &written):
		return writeError(written, sql)
	case errors.As(err, &limit):
		return &Error{Code: CodeResources, Message: limit.Error(), cause: err}
	case errors.As(err, &dialect):
		return &Error{Code: CodeInvalid, Message: dialect.Message + where(sql, dialect.Position), cause: err}
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Code: CodeTimeout, Message: "the query took longer than is allowed and was ended", cause: err}
	case errors.Is(err, context.Canceled):
		return &Error{Code: CodeCanceled, Message: "the query was canceled", cause: err}
	case errors.As(err, &moved):
		return &Error{Code: CodeLake, Message: moved.Error(), cause: err}
	case noSpace(err):
		return &Error{Code: CodeDiskFull, Message: fullDisk(dir), cause: err}
	case store.Retryable(err):
		return &Error{Code: CodeLake, Message: "the lake does not answer for now, try again: " + err.Error(), cause: err}
	case errors.As(err, &refusal):
		return &Error{Code: CodeForbidden, Message: refusal.What + where(sql, refusal.Position), cause: err}
	case errors.As(err, &duck):
		return duckError(duck, sql)
	}
	return &Error{Code: CodeInternal, Message: err.Error(), cause: err}
}

// noSpace recognises a full disk, or a quota that is used up, in what the system
// says and in what DuckDB does, which has it as text alone.
func noSpace(err error) bool {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return true
	}
	var duck *executor.Error
	return errors.As(err, &duck) && duck.Kind == "IO" &&
		(strings.Contains(duck.Message, "No space left") || strings.Contains(duck.Message, "quota exceeded"))
}

func fullDisk(dir string) string {
	free := ""
	if n, err := buffer.OS().Free(dir); err == nil {
		free = fmt.Sprintf(" (by now, without this query's files, %s are free)", size(n))
	}
	return fmt.Sprintf("the disk of %s was full%s: queries keep there what they fetch, convert and sort. Free some space on it, or lower query.cache, or give data_dir a larger disk; then run the query again",
		dir, free)
}

func duckError(e *executor.Error, sql string) *Error {
	out := &Error{Code: CodeInvalid, Message: e.Message + where(sql, e.Position), cause: e}
	switch e.Kind {
	case "Parser", "Syntax":
		out.Code = CodeSyntax
	case "Not implemented":
		if strings.HasPrefix(e.Message, "Only SELECT") {
			out.Code = CodeForbidden
			out.Message = "this statement is not supported: there are SELECT, EXPLAIN, SHOW, DESCRIBE, PREPARE, EXECUTE, CREATE TABLE [AS], CREATE VIEW, INSERT, UNLOAD, ALTER TABLE, MSCK REPAIR TABLE and DROP"
		}
	case "Permission":
		out.Code = CodeForbidden
	case "Out of Memory":
		out.Code = CodeResources
	case "Interrupt", "INTERRUPT":
		out.Code = CodeCanceled
	case "INTERNAL", "IO", "Fatal", "Invalid Configuration":
		out.Code = CodeInternal
	}
	if e.Kind == "IO" && strings.Contains(e.Message, "max_temp_directory_size") {
		out.Code = CodeResources
	}
	return out
}

// where shows the line that holds the offset, with a mark under it.
func where(sql string, offset int) string {
	if offset < 0 || offset > len(sql) {
		return ""
	}
	start := strings.LastIndexByte(sql[:offset], '\n') + 1
	line, _, _ := strings.Cut(sql[start:], "\n")
	number := strings.Count(sql[:start], "\n") + 1
	// Long lines are cut around the place.
	const before, after = 60, 40
	column := offset - start
	if column > before {
		cut := column - before
		for cut < len(line) && line[cut]&0xc0 == 0x80 {
			cut++
		}
		line, column = "…"+line[cut:], column-cut+len("…")
	}
	if len(line) > column+after {
		end := column + after
		for end > 0 && line[end]&0xc0 == 0x80 {
			end--
		}
		line = line[:end] + "…"
	}
	column = min(column, len(line))
	var indent strings.Builder
	for _, r := range line[:column] {
		if r == '\t' {
			indent.WriteRune('\t')
		} else {
			indent.WriteByte(' ')
		}
	}
	prefix := fmt.Sprintf("line %d: ", number)
	return "\n" + prefix + line + "\n" + strings.Repeat(" ", len(prefix)) + indent.String() + "^"
}
