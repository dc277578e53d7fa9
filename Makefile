# Everything that CI does is in .ci/run. This is what it does not: it downloads 4 GB
# of engines into the user's cache folder, once, and takes half an hour. See
# internal/enginetest.
.PHONY: engines
engines:
	go run ./internal/enginetest -out docs/engines.md $(ENGINES)
