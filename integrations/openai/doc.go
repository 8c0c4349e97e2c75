// Package openai reaches any server that speaks OpenAI's chat and embedding
// interface: OpenAI itself, Azure's /openai/v1, vLLM, llama.cpp, Ollama, TEI,
// LiteLLM. It writes answers (answer.Composer), classifies messages
// (assistant.Classifier) and makes vectors (knowledge.Embedder).
//
// What comes back is believed only as far as it was checked: a stream must say
// why it ended, a classification must fit the taxonomy, vectors must have the
// length of their column. Every failure is an *Error that is one of
// ErrUnavailable, ErrBudget, ErrRefused, ErrInvalid; callers fall back on the
// built-in composer and classifier. Nothing a customer wrote leaves unmasked
// where Config.Mask is set, and nothing an answer says is an instruction here.
package openai
