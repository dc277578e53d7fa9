package convert

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"sluice/internal/jsonscan"
)

// malformed says why what a receiver kept aside is no record.
func malformed(raw []byte) error {
	at := jsonscan.SkipSpace(raw, 0)
	n, err := jsonscan.Object(raw[at:])
	var syntax *jsonscan.SyntaxError
	if errors.As(err, &syntax) {
		return &jsonscan.SyntaxError{Offset: at + syntax.Offset, Msg: syntax.Msg, Incomplete: syntax.Incomplete}
	}
	return &jsonscan.SyntaxError{Offset: at + n, Msg: "more than a JSON object"}
}

// failures is the document of records that became no row: NDJSON in the form of
// Firehose's format-conversion errors, a line a record.
type failures struct {
	path    string
	attempt time.Time // Job.Attempt
	count   int64
	file    *os.File
	w       *bufio.Writer
}

// A failure is one line. Times are in milliseconds since 1970.
type failure struct {
	AttemptsMade         int    `json:"attemptsMade"`
	ArrivalTimestamp     int64  `json:"arrivalTimestamp"`
	LastErrorCode        string `json:"lastErrorCode"`
	LastErrorMessage     string `json:"lastErrorMessage"`
	AttemptEndingTimeout int64  `json:"attemptEndingTimestamp"`
	RawData              []byte `json:"rawData"` // base64
}

func (f *failures) add(record []byte, arrival time.Time, code, message string) error {
	if f.file == nil {
		file, err := os.Create(f.path)
		if err != nil {
			return fmt.Errorf("create document of failed records: %w", err)
		}
		f.file, f.w = file, bufio.NewWriter(file)
	}
	attempt := f.attempt
	if attempt.IsZero() {
		attempt = arrival
	}
	line, err := json.Marshal(failure{
		AttemptsMade: 1, ArrivalTimestamp: arrival.UnixMilli(), LastErrorCode: code, LastErrorMessage: message,
		AttemptEndingTimeout: attempt.UnixMilli(), RawData: record,
	})
	if err != nil {
		return fmt.Errorf("marshal failed record: %w", err)
	}
	f.count++
	if _, err := f.w.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write document of failed records: %w", err)
	}
	return nil
}

func (f *failures) close() error {
	if f.file == nil {
		return nil
	}
	err := f.w.Flush()
	if closeErr := f.file.Close(); err == nil {
		err = closeErr
	}
	f.file = nil
	if err != nil {
		return fmt.Errorf("write document of failed records: %w", err)
	}
	return nil
}
