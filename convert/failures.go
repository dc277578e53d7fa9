package convert

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	// transform: they are of a transform, or of a query of partition keys.
	transform bool
	source    string // the object that the next record came from; "" for none
	count     int64
	file      *os.File
	w         *bufio.Writer
}

// A failure is one line. Times are in milliseconds since 1970. Firehose names the
// errors of processing otherwise than that of a conversion.
type failure struct {
	AttemptsMade         int    `json:"attemptsMade"`
	ArrivalTimestamp     int64  `json:"arrivalTimestamp"`
	LastErrorCode        string `json:"lastErrorCode,omitempty"`
	LastErrorMessage     string `json:"lastErrorMessage,omitempty"`
	ErrorCode            string `json:"errorCode,omitempty"`
	ErrorMessage         string `json:"errorMessage,omitempty"`
	AttemptEndingTimeout int64  `json:"attemptEndingTimestamp"`
	RawData              []byte `json:"rawData"` // base64
	SourceObject         string `json:"sourceObject,omitempty"`
}

func (f *failures) open() error {
	if f.file != nil {
		return nil
	}
	file, err := os.Create(f.path)
	if err != nil {
		return fmt.Errorf("create document of failed records: %w", err)
	}
	f.file, f.w = file, bufio.NewWriter(file)
	return nil
}

func (f *failures) add(record []byte, arrival time.Time, code, message string) error {
	if err := f.open(); err != nil {
		return err
	}
	attempt := f.attempt
	if attempt.IsZero() {
		attempt = arrival
	}
	doc := failure{AttemptsMade: 1, ArrivalTimestamp: arrival.UnixMilli(), AttemptEndingTimeout: attempt.UnixMilli(), RawData: record, SourceObject: f.source}
	if f.transform {
		doc.ErrorCode, doc.ErrorMessage = code, message
	} else {
		doc.LastErrorCode, doc.LastErrorMessage = code, message
	}
	line, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("marshal failed record: %w", err)
	}
	f.count++
	if _, err := f.w.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write document of failed records: %w", err)
	}
	return nil
}

// finish closes the document and returns its path, "" where there is none.
func (f *failures) finish() (path string, err error) {
	if err := f.close(); err != nil || f.count == 0 {
		return "", err
	}
	return f.path, nil
}

// join moves what another document has to the end of this one.
func (f *failures) join(o *failures) error {
	if err := o.close(); err != nil || o.count == 0 {
		return err
	}
	if err := f.open(); err != nil {
		return err
	}
	from, err := os.Open(o.path)
	if err != nil {
		return fmt.Errorf("join documents of failed records: %w", err)
	}
	defer from.Close()
	if _, err := io.Copy(f.w, from); err != nil {
		return fmt.Errorf("join documents of failed records: %w", err)
	}
	f.count += o.count
	return removeFile(o.path)
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
