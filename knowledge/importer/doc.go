// Package importer brings help centres in from files: folders of Markdown with
// YAML front matter, of HTML, PDF and Word files, and JSONL corpora. It reads and maps;
// knowledge.Service.Sync decides what is new, changed, gone or the same, so that
// importing the same folder twice changes nothing. Export writes such a folder.
package importer
