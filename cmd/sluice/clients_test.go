package main

import (
	"os"
	"strconv"
	"testing"
)

// clientEvents is how many events each published client sends: 40 batches of 100, of
// which some in the middle are refused, and more than one batch of ours.
// TEST_CLIENT_EVENTS, a multiple of 100 from 4000 on, has them send more.
func clientEvents(t *testing.T) int {
	t.Helper()
	s := os.Getenv("TEST_CLIENT_EVENTS")
	if s == "" {
		return 4000
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 4000 || n%100 != 0 {
		t.Fatalf("TEST_CLIENT_EVENTS=%s is no multiple of 100 from 4000 on", s)
	}
	return n
}
