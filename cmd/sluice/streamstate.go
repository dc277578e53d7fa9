package main

import (
	"context"
	"slices"

	"sluice/buffer"
	"sluice/ingest/records"
)

// The service is what the records API asks about streams.

// Known reports whether a stream takes records.
func (s *service) Known(stream string) bool {
	if _, ok := s.known.Load(stream); ok {
		return true
	}
	_, ok := s.cfg.Streams[stream]
	if !ok {
		_, ok = s.definitions.Stream(stream)
	}
	logs := s.buffer.Streams()
	if ok || slices.ContainsFunc(logs, func(st buffer.StreamState) bool { return st.Name == stream }) {
		s.known.Store(stream, true) // it stays: as many names are kept as there are streams
		return true
	}
	return s.cfg.AutoCreate && len(logs) < s.cfg.MaxStreams
}

// Flush delivers what the stream has buffered.
func (s *service) Flush(ctx context.Context, stream string) (records.FlushResult, error) {
	f, err := s.deliverer.Flush(ctx, stream)
	if err != nil {
		return records.FlushResult{}, err
	}
	res := records.FlushResult{Batches: f.Batches, Records: f.Records, Files: f.Files}
	if f.Table.Table != "" {
		res.Table = f.Table.String()
	}
	return res, nil
}

// Streams are the states of all streams that are configured or have had records.
func (s *service) Streams() []records.StreamState {
	buffered := map[string]buffer.StreamState{}
	var names []string
	for _, st := range s.buffer.Streams() {
		buffered[st.Name] = st
		names = append(names, st.Name)
	}
	names = append(names, s.deliverer.Streams()...)
	names = append(names, s.held.Streams()...)
	names = append(names, s.definitions.Names()...)
	for name := range s.cfg.Streams {
		names = append(names, name)
	}
	slices.Sort(names)
	var states []records.StreamState
	for _, name := range slices.Compact(names) {
		states = append(states, s.state(name, buffered[name]))
	}
	return states
}

// Stream is the state of one stream.
func (s *service) Stream(name string) (records.StreamState, bool) {
	for _, st := range s.Streams() {
		if st.Name == name {
			return st, true
		}
	}
	return records.StreamState{}, false
}

func (s *service) state(name string, b buffer.StreamState) records.StreamState {
	// What is held is read after the buffer's state, and the totals after that: a batch
	// that is delivered in between may be counted on both sides for a moment, but never on
	// neither.
	h := s.held.Stream(name)
	t := s.deliverer.Totals(name)
	dd := s.dedupe.State(name)
	st := records.StreamState{
		Name: name, Table: s.stream(name).Table,
		BufferedRecords: b.Records + h.Rows, BufferedBytes: b.Bytes, HeldRecords: h.Rows, HeldBytes: h.Bytes, OpenBatches: b.OpenBatches, SealedBatches: b.SealedBatches,
		Accepted: b.Records + h.Rows + t.Delivered + t.Failed + t.Filtered + dd.Duplicates, Delivered: t.Delivered, Failed: t.Failed, Filtered: t.Filtered, Deduplicated: dd.Duplicates,
	}
	if !b.Oldest.IsZero() {
		st.OldestArrival = &b.Oldest
	}
	if !t.LastDelivery.IsZero() {
		st.LastDelivery = &t.LastDelivery
	}
	if err := s.deliverer.LastError(name); err != nil {
		st.LastError = err.Error()
	} else if b.Err != nil {
		st.LastError = b.Err.Error()
	} else if dd.Err != nil {
		st.LastError = dd.Err.Error()
	}
	return st
}
