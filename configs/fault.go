package configs

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Fault is one thing that is wrong with a configuration.
type Fault struct {
	// Where is the file and line (sluice.yaml:12) or the environment variable
	// that the value came from; empty when it is a default or not known.
	Where string `json:"where,omitempty"`
	Path  string `json:"path,omitempty"` // of the setting, such as buffer.size
	Text  string `json:"text"`           // what was found and what would do instead
}

// Error is the fault on one line.
func (f Fault) Error() string {
	parts := make([]string, 0, 3)
	for _, p := range []string{f.Where, f.Path, f.Text} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ": ")
}

// line is the line in the file; faults elsewhere come after those in it.
func (f Fault) line() int {
	n, err := strconv.Atoi(f.Where[strings.LastIndexByte(f.Where, ':')+1:])
	if err != nil {
		return math.MaxInt
	}
	return n
}

// Faults is the error of Load and Validate: everything that is wrong.
type Faults []Fault

// Error lists the faults, one a line.
func (fs Faults) Error() string {
	if len(fs) == 1 {
		return fs[0].Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d faults in the configuration:", len(fs))
	for _, f := range fs {
		b.WriteString("\n  " + f.Error())
	}
	return b.String()
}

// err is fs as an error, nil when there are none.
func (fs Faults) err() error {
	if len(fs) == 0 {
		return nil
	}
	return fs
}
