package main

import (
	"fmt"
	"time"

	"sluice/internal/dedupe"
	"sluice/partitioner"
)

// openDedupe opens what stands before the log and drops duplicates.
func (s *service) openDedupe() (err error) {
	s.dedupe, err = dedupe.Open(dedupe.Config{
		Dir: s.cfg.DedupeDir(), Log: s.buffer, Key: s.dedupeKey,
		RequestWindow: s.cfg.HTTP.IdempotencyWindow, MaxKeys: int64(s.cfg.Dedupe.MaxKeys),
		Logger: s.log, Registerer: s.registry,
	})
	return err
}

// dedupeKey is what deduplicates a stream; checkStreams has seen it.
func (s *service) dedupeKey(stream string) (path []string, window time.Duration) {
	c := s.stream(stream).Dedupe
	path, err := dedupePath(c.Key)
	if err != nil {
		panic("BUG: an unchecked key: " + err.Error())
	}
	return path, c.Window
}

// dedupePath reads the path of a field, nil for none. It is written as in
// partition_by.
func dedupePath(key string) ([]string, error) {
	if key == "" {
		return nil, nil
	}
	rules, err := partitioner.Parse([]string{"key=" + key})
	if err != nil {
		return nil, err
	}
	path, ok := rules.IdentityOf("key")
	if !ok {
		return nil, fmt.Errorf("%q is not the path of a field, such as messageId or context.id", key)
	}
	return path, nil
}
