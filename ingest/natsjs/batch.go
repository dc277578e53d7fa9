package natsjs

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// An item is a JetStream message as it waits to be stored.
type item struct {
	reply   string // where it is acknowledged
	subject string
	header  map[string][]string
	data    []byte
	seq     uint64 // in the JetStream stream
	at      int64  // when it came there, ns since 1970
	times   uint64 // that it was delivered, this one included
}

// size is what the item holds in memory, about.
func (it *item) size() int64 {
	const overhead = 256
	return int64(len(it.data)+len(it.reply)+len(it.subject)) + overhead
}

// parseReply reads what the subject to acknowledge on says of a message:
// $JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>,
// or the same with <domain>.<account hash>. after ACK, and maybe more behind.
func (it *item) parseReply() bool {
	const shortForm, longForm = 9, 11
	n := strings.Count(it.reply, ".") + 1
	skip := 4
	switch {
	case n == shortForm:
	case n >= longForm:
		skip = 6
	default:
		return false
	}
	rest, ok := strings.CutPrefix(it.reply, "$JS.ACK.")
	if !ok {
		return false
	}
	for range skip - 2 {
		_, rest, _ = strings.Cut(rest, ".")
	}
	var numbers [4]uint64 // delivered, stream seq, consumer seq, time
	for i := range numbers {
		var token string
		token, rest, _ = strings.Cut(rest, ".")
		v, err := strconv.ParseUint(token, 10, 63)
		if err != nil {
			return false
		}
		numbers[i] = v
	}
	it.times, it.seq, it.at = numbers[0], numbers[1], int64(numbers[3])
	return it.seq > 0
}

// inOrder sorts items by sequence and drops those that came twice.
func inOrder(items []item) []item {
	ascending := func(a, b item) int { return cmp.Compare(a.seq, b.seq) }
	if !slices.IsSortedFunc(items, ascending) {
		slices.SortStableFunc(items, ascending)
	}
	return slices.CompactFunc(items, func(a, b item) bool { return a.seq == b.seq })
}
