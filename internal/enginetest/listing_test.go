package main

import "testing"

func TestEncodedListing(t *testing.T) {
	in := `<ListBucketResult><Name>lake</Name><Prefix>t/</Prefix><Contents><Key>t/r=100%25/x y+é &amp; &#34;z&#34;</Key><Size>1</Size></Contents><EncodingType></EncodingType></ListBucketResult>`
	want := `<ListBucketResult><Name>lake</Name><Prefix>t/</Prefix><Contents><Key>t/r%3D100%2525/x+y%2B%C3%A9+%26+%22z%22</Key><Size>1</Size></Contents><EncodingType>url</EncodingType></ListBucketResult>`
	if got := string(encodedListing([]byte(in))); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
