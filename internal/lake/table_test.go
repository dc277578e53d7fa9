package lake_test

import (
	"testing"

	"sluice/internal/lake"
)

func TestParseTableName(t *testing.T) {
	for s, want := range map[string]lake.TableName{
		"shop.purchases": {Database: "shop", Table: "purchases"},
		"purchases":      {Database: "default", Table: "purchases"},
		"_a.0_b":         {Database: "_a", Table: "0_b"},
	} {
		got, err := lake.ParseTableName(s, "default")
		if err != nil || got != want {
			t.Errorf("%q: got %v, %v", s, got, err)
		}
	}
	if got := (lake.TableName{Database: "shop", Table: "purchases"}).String(); got != "shop.purchases" {
		t.Error(got)
	}
	for _, s := range []string{"", ".", "a.", ".a", "a.b.c", "Shop.purchases", "shop.Purchases", "a b", "a/b", "../a", "é", "a\x00"} {
		if got, err := lake.ParseTableName(s, "default"); err == nil {
			t.Errorf("%q: got %v", s, got)
		}
	}
	for _, database := range []string{"", "Shop", "a.b"} {
		if got, err := lake.ParseTableName("t", database); err == nil {
			t.Errorf("in %q: got %v", database, got)
		}
	}
}

func TestCleanName(t *testing.T) {
	for s, want := range map[string]string{
		"": "_", "a": "a", "already_clean_9": "already_clean_9", "userCountry": "usercountry", "user-id": "user_id", "user.id": "user_id", "größe": "gr__e",
		"ÄB": "_b", "日本": "__", "😀": "_", "a\xffb\xfe": "a_b_", "\x00": "_", "9": "9", "$": "_", "\u212a": "_",
	} {
		if got := lake.CleanName(s); got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
}

// A clean name has only a–z, 0–9 and _, and is its own clean name.
func FuzzCleanName(f *testing.F) {
	f.Add("userCountry")
	f.Add("\u212a\xff\U0001f600")
	f.Fuzz(func(t *testing.T, s string) {
		got := lake.CleanName(s)
		if got == "" || lake.CleanName(got) != got {
			t.Errorf("%q: %q", s, got)
		}
		for i := range len(got) {
			if c := got[i]; !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_') {
				t.Errorf("%q: %q", s, got)
			}
		}
	})
}
