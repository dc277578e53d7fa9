package query

import (
	"fmt"
	"strings"
	"time"
)

// Limits bound one query. Those of a request and of the configuration hold both:
// the lower one counts, and 0 is no limit.
type Limits struct {
	Timeout time.Duration // its wait for a turn included
	Memory  int64         // bytes of the executor
	Scanned int64         // bytes, as Stats counts them
	Rows    int64         // answered; one more is an error
	Result  int64         // bytes of the values answered, by their length as text
}

func (l Limits) valid() bool {
	return l.Timeout >= 0 && l.Memory >= 0 && l.Scanned >= 0 && l.Rows >= 0 && l.Result >= 0
}

// A bounds is what holds for one query, and where each limit comes from.
type bounds struct {
	Limits
	// asked are the limits of the request, where it set any.
	asked Limits
}

// bounds are the lower ones of the configuration and of a request.
func (e *Engine) bounds(asked Limits) bounds {
	of := e.cfg.Limits
	of.Timeout, of.Memory = e.cfg.Timeout, max(e.cfg.Memory/int64(e.cfg.Concurrent), minMemory)
	if asked.Memory > 0 {
		asked.Memory = max(asked.Memory, minMemory)
	}
	return bounds{asked: asked, Limits: Limits{
		Timeout: lower(of.Timeout, asked.Timeout),
		Memory:  lower(of.Memory, asked.Memory),
		Scanned: lower(of.Scanned, asked.Scanned),
		Rows:    lower(of.Rows, asked.Rows),
		Result:  lower(of.Result, asked.Result),
	}}
}

// lower is the lower limit, 0 being none.
func lower[T ~int64](a, b T) T {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// set names what set a limit: the setting, or the request.
func set[T ~int64](holds, asked T, setting string) string {
	if asked == holds {
		return "limits." + setting + " of the request"
	}
	return "query." + setting
}

// change says where more would be allowed.
func change[T ~int64](holds, asked T, setting string) string {
	if asked == holds {
		return "ask for more"
	}
	return "raise query." + setting
}

func (b bounds) timeout() *Error {
	return fault(CodeTimeout, "the query took longer than %s, which is %s, and was ended: read fewer partitions or columns, or %s",
		b.Timeout, set(b.Timeout, b.asked.Timeout, "timeout"), change(b.Timeout, b.asked.Timeout, "timeout"))
}

// scan is the error of a query that would scan more than it may.
func (b bounds) scan(bytes, files int64) error {
	if b.Scanned == 0 || bytes <= b.Scanned {
		return nil
	}
	return fault(CodeLimit, "the query would scan %s in %d files, and %s allows %s: name fewer partitions in WHERE, or %s",
		size(bytes), files, set(b.Scanned, b.asked.Scanned, "max_scanned"), size(b.Scanned), change(b.Scanned, b.asked.Scanned, "max_scanned"))
}

func (b bounds) rows() *Error {
	return fault(CodeLimit, "the answer has more than %d rows, which is %s, and was ended there: aggregate, add LIMIT, or %s",
		b.Rows, set(b.Rows, b.asked.Rows, "max_rows"), change(b.Rows, b.asked.Rows, "max_rows"))
}

func (b bounds) result() *Error {
	return fault(CodeLimit, "the answer is larger than %s, which is %s, and was ended there: select fewer columns, aggregate, add LIMIT, or %s",
		size(b.Result), set(b.Result, b.asked.Result, "max_result"), change(b.Result, b.asked.Result, "max_result"))
}

// exhausted says what to do about an error of the executor that ran out of memory
// or of temporary space.
func (b bounds) exhausted(spilled bool, message string) *Error {
	message, _, _ = strings.Cut(message, "\n") // what follows is advice to set what nobody can set here
	if spilled {
		return fault(CodeResources, "the query needs more temporary space than the part of query.spill that it has, an equal one for each of query.concurrent: "+
			"read less, aggregate or sort fewer columns, raise query.spill, or lower query.concurrent (%s)", message)
	}
	if strings.Contains(message, "bad allocation") || message == "Allocation failure" {
		return fault(CodeResources, "the query makes strings, lists or groups that need more memory than all queries together may have, which follows from query.memory: "+
			"make smaller values, or raise query.memory (%s)", message)
	}
	setting := "the part of query.memory that it has, an equal one for each of query.concurrent"
	more := "raise query.memory, or lower query.concurrent"
	if b.Memory == b.asked.Memory {
		setting, more = "limits.memory of the request", "ask for more"
	}
	return fault(CodeResources, "the query needs more memory than %s, which is %s: select fewer columns, aggregate earlier, or %s (%s)",
		size(b.Memory), setting, more, message)
}

// size is a number of bytes for eyes.
func size(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d bytes", n)
	}
	f := float64(n)
	for _, unit := range []string{"kB", "MB", "GB"} {
		if f /= 1000; f < 1000 {
			return fmt.Sprintf("%.3g %s", f, unit)
		}
	}
	return fmt.Sprintf("%.4g TB", f/1000)
}
