package buffer

import (
	"errors"
	"fmt"
	"time"

	"sluice/internal/lake"
)

// ErrLocked is what Open's error wraps when another process has the folder.
var ErrLocked = errors.New("in use by another process")

// ErrClosed answers every call after Close.
var ErrClosed = errors.New("buffer is closed")

// ErrReleased answers the reading of a batch after its Release.
var ErrReleased = errors.New("batch was released")

// A FullError says that nothing more is accepted for now: a ceiling is reached.
// Nothing was written; the same Append succeeds once there is room.
type FullError struct {
	Reason     string        // which ceiling, with figures
	RetryAfter time.Duration // when to try again
}

func (e *FullError) Error() string { return "buffer is full: " + e.Reason }

// Full says why, and when to try again: what receivers tell their clients.
func (e *FullError) Full() (reason string, retryAfter time.Duration) { return e.Reason, e.RetryAfter }

// A FailedError says that a stream's log failed for good: a write or an fsync
// did, so what the disk holds of the last commit is unknown and nothing more is
// accepted for the stream by this process. What was acknowledged before stays
// readable, and is recovered by the next Open.
type FailedError struct {
	Stream string
	Err    error
}

func (e *FailedError) Error() string {
	return fmt.Sprintf("log of stream %s failed: %v; it accepts nothing more until a restart: "+
		"check the disk and the kernel's log, then restart; what was acknowledged is kept", e.Stream, e.Err)
}

func (e *FailedError) Unwrap() error { return e.Err }

// Unavailable says what is to be done, without the cause: what receivers tell
// their clients.
func (e *FailedError) Unavailable() string {
	return "the log of stream " + e.Stream + " failed on the server's disk; it takes records again after a restart, what was acknowledged is kept"
}

// A CorruptError says where a segment's bytes are not what was written.
type CorruptError struct {
	Path   string
	Offset int64
	Reason string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("segment %s is damaged at byte %d: %s", e.Path, e.Offset, e.Reason)
}

// A VersionError says that a segment was written by a newer Sluice.
type VersionError struct {
	Path    string
	Version int
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("segment %s has format version %d, this program knows %d: start the newer Sluice that wrote it",
		e.Path, e.Version, formatVersion)
}

// CheckStream checks a stream's name: 1 to 64 of a–z, A–Z, 0–9, _, . and -,
// but not "." or "..".
func CheckStream(name string) error {
	ok := len(name) >= 1 && len(name) <= maxStreamName && name != "." && name != ".."
	for i := 0; i < len(name) && ok; i++ {
		c := name[i]
		ok = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '.' || c == '-'
	}
	if !ok {
		return fmt.Errorf("stream name %.80q: want 1 to %d of a-z, A-Z, 0-9 and _.-, but neither \".\" nor \"..\"", name, maxStreamName)
	}
	return nil
}

// checkBlock checks what Append relies on.
func checkBlock(b lake.Block) error {
	switch {
	case b.Records < 1 || b.Records > len(b.Data):
		return fmt.Errorf("block of %d bytes counts %d records", len(b.Data), b.Records)
	case len(b.Data) > MaxBlock:
		return fmt.Errorf("block of %d bytes is larger than %d", len(b.Data), MaxBlock)
	case len(b.Attrs) > lake.MaxAttrs:
		return fmt.Errorf("block has %d bytes of attributes, more than %d", len(b.Attrs), lake.MaxAttrs)
	case b.Data[len(b.Data)-1] != '\n':
		return errors.New("block does not end in a newline")
	}
	return nil
}
