package taxonomy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/classify"
)

// ErrNotReady says the first training has not finished yet.
var ErrNotReady = errors.New("the classifier is not trained yet")

// minConfidence is the calibrated probability below which a status or escalating
// intent is not acted on: the knowledge base is asked instead, and finding
// nothing there says so.
const minConfidence = 0.65

var errNoExamples = errors.New("taxonomy: no examples")

// trained is one version of the taxonomy with its models. It never changes.
type trained struct {
	revision string
	values   map[string]Value // by dimension/value
	intent   *classify.Model
	area     *classify.Model // nil without product areas
	nested   bool            // some intent is the parent of another
}

// Database is what the engine needs of a pool of the worker role.
type Database interface {
	Querier
	Begin(ctx context.Context) (pgx.Tx, error)
}

// Engine classifies with the models trained from the taxonomy.
type Engine struct {
	db      Database
	log     *slog.Logger
	current atomic.Pointer[trained]
	mu      sync.Mutex // one training at a time

	names     atomic.Pointer[classify.Gazetteer]
	namesRead time.Time // guarded by mu

	collect time.Duration // default collectFor
	patient time.Duration // default patience
	pending string        // the revision whose training waits; guarded by mu
	waiting time.Time     // since when some training waits; guarded by mu
}

const (
	// collectFor is how long the taxonomy must be at rest before it is learned:
	// corrections come in rows, and each would start a training of its own.
	collectFor = time.Minute
	// patience is how long a training waits for that rest at most.
	patience = 5 * time.Minute
	// trainingLock is held by the process that trains; the others load what it stores.
	trainingLock = 0x7573686572 // "usher"
)

// NewEngine returns an Engine; Refresh readies it.
func NewEngine(db Database, log *slog.Logger) *Engine {
	if log == nil {
		log = slog.Default()
	}
	return &Engine{db: db, log: log, collect: collectFor, patient: patience}
}

// Start readies the engine with the models stored last, whatever the taxonomy
// says by now, and trains only where there are none. Watch brings it up to date.
func (e *Engine) Start(ctx context.Context) error {
	set, err := Load(ctx, e.db)
	if err != nil {
		return err
	}
	if stored, err := e.stored(ctx, set, ""); err != nil || stored != nil {
		e.current.Store(stored)
		return err
	}
	return e.Refresh(ctx)
}

// Refresh follows the taxonomy: it loads the models of its revision, or trains
// and stores them. The old models answer until the new ones are complete.
func (e *Engine) Refresh(ctx context.Context) error { return e.follow(ctx, false) }

// follow is Refresh. A patient one leaves the training until the taxonomy has been
// at rest; what the values say (a route, a team) counts at once, with the models
// there are.
func (e *Engine) follow(ctx context.Context, patient bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.followNames(ctx); err != nil {
		return err
	}
	revision, err := Revision(ctx, e.db)
	if err != nil {
		return err
	}
	now := e.current.Load()
	if now != nil && now.revision == revision {
		return nil
	}
	if patient && now != nil && e.pending == revision {
		if rests, err := e.rests(ctx); err != nil || !rests {
			return err
		}
	}
	set, err := Load(ctx, e.db)
	if err != nil {
		return err
	}
	fresh, err := e.stored(ctx, set, revision)
	if err != nil {
		return err
	}
	if fresh == nil && patient && now != nil {
		if e.waiting.IsZero() {
			e.waiting = time.Now()
		}
		if e.pending != revision {
			e.pending = revision
			kept := index(set)
			kept.revision, kept.intent, kept.area = now.revision, now.intent, now.area
			e.current.Store(kept)
		}
		if rests, err := e.rests(ctx); err != nil || !rests {
			return err
		}
	}
	if fresh == nil {
		if fresh, err = e.trainOnce(ctx, set, revision, patient); err != nil {
			return fmt.Errorf("train classifier: %w", err)
		}
	}
	if fresh != nil {
		e.pending, e.waiting = "", time.Time{}
		e.current.Store(fresh)
	}
	return nil
}

// rests reports whether nobody has changed the taxonomy for a while, or the
// training has waited long enough.
func (e *Engine) rests(ctx context.Context) (bool, error) {
	if !e.waiting.IsZero() && time.Since(e.waiting) >= e.patient {
		return true, nil
	}
	rows, err := e.db.Query(ctx, `select coalesce(greatest((select max(updated_at) from taxonomy_values), (select max(created_at) from taxonomy_examples))
		<= clock_timestamp() - make_interval(secs => $1), true)`, e.collect.Seconds())
	if err != nil {
		return false, fmt.Errorf("read when the taxonomy changed: %w", err)
	}
	rests, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[bool])
	if err != nil {
		return false, fmt.Errorf("read when the taxonomy changed: %w", err)
	}
	return rests, nil
}

// trainOnce trains in one process at a time. A patient one returns nil where
// another trains: it finds the models stored at its next look.
func (e *Engine) trainOnce(ctx context.Context, set Set, revision string, patient bool) (*trained, error) {
	if !patient {
		return e.retrain(ctx, set, revision)
	}
	tx, err := e.db.Begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	var ours bool
	if err := tx.QueryRow(ctx, `select pg_try_advisory_xact_lock($1)`, int64(trainingLock)).Scan(&ours); err != nil {
		return nil, fmt.Errorf("lock training: %w", err)
	}
	if !ours {
		return nil, nil
	}
	// Another process may have stored it between our look and the lock.
	if fresh, err := e.stored(ctx, set, revision); err != nil || fresh != nil {
		return fresh, err
	}
	return e.retrain(ctx, set, revision)
}

// retrain learns a revision of the taxonomy. Where models are in use already the
// new ones must not do worse on examples held back from both; else the old
// stay, with the values as they are now.
func (e *Engine) retrain(ctx context.Context, set Set, revision string) (*trained, error) {
	started := time.Now()
	defer debug.FreeOSMemory() // training leaves much behind
	now := e.current.Load()
	var verdict Training
	var answers []answer
	if now != nil {
		known := false
		var err error
		if verdict, known, err = outcome(ctx, e.db, revision); err != nil {
			return nil, err
		}
		if !known {
			if verdict, answers, err = e.compare(ctx, set, now, revision); err != nil {
				return nil, err
			}
		}
		if !verdict.Accepted {
			if err := e.record(ctx, verdict, answers); err != nil {
				return nil, err
			}
			e.log.WarnContext(ctx, "retrained classifier does worse, the one before stays", "held", verdict.Held,
				"accuracy", verdict.Accuracy, "gained", verdict.Gained, "lost", verdict.Lost)
			kept := index(set)
			kept.revision, kept.intent, kept.area = revision, now.intent, now.area
			return kept, nil
		}
	}
	fresh, err := train(ctx, set)
	if err != nil {
		return nil, err
	}
	fresh.revision = revision
	if err := e.store(ctx, fresh, time.Since(started)); err != nil {
		return nil, err
	}
	if now != nil {
		verdict.Version = fresh.intent.Version()
		if err := e.record(ctx, verdict, answers); err != nil {
			return nil, err
		}
	}
	e.log.InfoContext(ctx, "classifier trained", "values", len(set.Values), "examples", len(set.Examples),
		"seconds", time.Since(started).Seconds(), "version", fresh.intent.Version(),
		"held", verdict.Held, "accuracy", verdict.Accuracy, "gained", verdict.Gained, "lost", verdict.Lost)
	return fresh, nil
}

// compare judges what training on set would give. The classifier in use was
// examined when it was trained; the first one of an installation is now, on the
// examples it was trained from.
func (e *Engine) compare(ctx context.Context, set Set, now *trained, revision string) (Training, []answer, error) {
	before, err := answersInUse(ctx, e.db)
	if err != nil {
		return Training{}, nil, err
	}
	if len(before) == 0 {
		rows, err := e.db.Query(ctx, `select created_at from classifier_models where revision = $1`, now.revision)
		if err != nil {
			return Training{}, nil, fmt.Errorf("read when the classifier was trained: %w", err)
		}
		trainedAt, err := pgx.CollectRows(rows, pgx.RowTo[time.Time])
		if err != nil {
			return Training{}, nil, fmt.Errorf("read when the classifier was trained: %w", err)
		}
		if len(trainedAt) > 0 {
			old := Set{Values: set.Values, Examples: slices.Clone(set.Examples)}
			old.Examples = slices.DeleteFunc(old.Examples, func(x Example) bool { return x.CreatedAt.After(trainedAt[0]) })
			if before, err = examine(ctx, old, heldBack, fewestHeldBack); err != nil {
				return Training{}, nil, err
			}
		}
	}
	after, err := examine(ctx, set, heldBack, fewestHeldBack)
	if err != nil {
		return Training{}, nil, err
	}
	return judge(revision, "", before, after), after, nil
}

// Watch looks every few seconds until ctx ends, so that every process follows a
// curator's change. Changes are learned together once they have come to rest.
func (e *Engine) Watch(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := e.follow(ctx, true); err != nil && ctx.Err() == nil {
				e.log.WarnContext(ctx, "refresh classifier failed", "error", err)
			}
		}
	}
}

func train(ctx context.Context, set Set) (*trained, error) {
	t := index(set)
	var err error
	if t.intent, err = trainDimension(ctx, set, Intent); err != nil {
		return nil, err
	}
	t.area, err = trainDimension(ctx, set, ProductArea)
	if errors.Is(err, classify.ErrNoLabels) || errors.Is(err, errNoExamples) {
		err = nil
	}
	return t, err
}

// index is a trained without its models.
func index(set Set) *trained {
	t := &trained{values: map[string]Value{}}
	for _, v := range set.Values {
		if v.Enabled {
			t.values[v.Dimension+"/"+v.Value] = v
		}
	}
	for name := range t.values {
		for at, r := range name {
			if _, ok := t.values[name[:at]]; ok && r == '.' {
				t.nested = true
			}
		}
	}
	return t
}

func trainDimension(ctx context.Context, set Set, dimension string) (*classify.Model, error) {
	var labels []classify.Label
	enabled := map[string]bool{}
	for _, v := range set.Values {
		if v.Dimension == dimension && v.Enabled {
			labels = append(labels, classify.Label{Name: v.Value, Description: v.Description})
			enabled[v.Value] = true
		}
	}
	var examples []classify.Example
	for _, example := range set.Examples {
		if example.Dimension == dimension && enabled[example.Value] {
			weight := 1.0
			if example.Source == "correction" {
				weight = 2 // this operator's own traffic
			}
			examples = append(examples, classify.Example{Text: example.Text, Label: example.Value, Weight: weight})
		}
	}
	if dimension != Intent && len(examples) == 0 {
		return nil, errNoExamples // what intents say is enough
	}
	return classify.Train(ctx, labels, examples, classify.Options{Seed: 1, OOSLabel: OutOfScope})
}

// OutOfScope is the value whose examples mean "none fits".
const OutOfScope = "out_of_scope"

// Input is a message in its surroundings.
type Input struct {
	Text     string
	Language string // what the conversation or the person suggests; may be empty
	Tier     string // the tenant's: enterprise raises the priority by a step
	Stage    string // the tenant's lifecycle state: live raises it for what breaks
	// Corrections are what people said the tenant's earlier messages are about, latest first.
	Corrections []Correction
}

// Correction is a message of a tenant that a person classified.
type Correction struct {
	Text   string
	Intent string
}

// sameText is how alike a message must be to a corrected one of the same tenant
// to be taken for the same thing, 1 being the same words.
const sameText = 0.72

// Classify says what a message is about. An empty Intent means none fits.
func (e *Engine) Classify(_ context.Context, in Input) (triage.Classification, error) {
	models := e.current.Load()
	if models == nil {
		return triage.Classification{}, ErrNotReady
	}
	text := classify.Clean(in.Text)
	if text == "" {
		text = in.Text
	}
	c := triage.Classification{
		Route: RouteAnswer, Priority: triage.PriorityNormal, Engine: "builtin", Version: models.intent.Version(),
		Language: language(text, in.Language),
	}
	c.Sentiment, _ = classify.Sentiment(text)
	for _, entity := range e.entities(text) {
		c.Entities = append(c.Entities, triage.Entity{Kind: string(entity.Kind), Text: entity.Text, Value: entity.Value})
	}
	value := models.decide(&c, cmp.Or(classify.WithoutAddresses(text), text))
	if corrected, ok := models.corrected(&c, text, in.Corrections); ok {
		value = corrected
	}
	c.ProductArea = value.ProductArea
	if models.area != nil {
		if p := models.area.Predict(text); !p.OutOfScope && p.Confidence >= 0.5 {
			c.ProductArea = p.Label
		}
	}
	c.Team, c.Sensitive = value.Team, value.Sensitive
	c.Priority = priority(value, c, classify.Pressing(text), in)
	return c, nil
}

// decide fills the intent and its route.
func (t *trained) decide(c *triage.Classification, text string) Value {
	p := t.intent.Predict(text)
	if classify.Acknowledgement(text) {
		// Certain by its words; the model only tells a greeting from thanks.
		name := "acknowledgement"
		if p.Label == "greeting" {
			name = p.Label
		}
		if v, ok := t.values[Intent+"/"+name]; ok {
			c.Intent, c.Confidence, c.Route = v.Value, 0.99, v.Route
			return v
		}
	}
	for _, s := range p.Scores {
		c.Labels = append(c.Labels, triage.Label{Value: s.Label, Score: math.Round(s.Score*1000) / 1000})
	}
	for _, term := range p.Evidence {
		c.Explanation = append(c.Explanation, term.Text)
	}
	c.Confidence = p.Confidence
	if p.OutOfScope || p.Label == OutOfScope {
		return Value{}
	}
	if p.Confidence < minConfidence {
		if v, ok := t.together(c, p.Label, text); ok {
			return v
		}
		return t.parent(c, text)
	}
	v, ok := t.values[Intent+"/"+p.Label]
	if !ok {
		return Value{} // taken out of the taxonomy since the model was trained
	}
	c.Intent, c.Route = p.Label, v.Route
	return v
}

// What the values that go to people must say together, and the likeliest of them
// alone, for a person to get a message although none is sure by itself: which of
// them it is matters less than that it is one. A status would be answered from the
// wrong section.
const (
	sureRoute  = 0.85
	likeliest  = 0.4
	fewestLead = 0.1 // over the next: between two alike it is better to ask
)

func (t *trained) together(c *triage.Classification, label, text string) (Value, bool) {
	best, ok := t.values[Intent+"/"+label]
	if !ok || best.Route != RouteEscalate || c.Confidence < likeliest {
		return Value{}, false
	}
	sum, second := 0.0, 0.0
	for _, s := range t.intent.Distribution(text) {
		if v, ok := t.values[Intent+"/"+s.Label]; ok && v.Route == best.Route {
			sum += s.Score
		}
		if s.Label != label {
			second = max(second, s.Score)
		}
	}
	if sum < sureRoute || c.Confidence-second < fewestLead {
		return Value{}, false
	}
	c.Intent, c.Route = label, best.Route
	return best, true
}

// parent is the value above several unsure ones, "billing" above
// "billing.refund" and "billing.invoice", where the taxonomy has it and they are
// together sure enough.
func (t *trained) parent(c *triage.Classification, text string) Value {
	if !t.nested {
		return Value{}
	}
	for _, s := range classify.Rollup(t.intent.Distribution(text)) {
		if s.Score < minConfidence {
			break
		}
		if v, ok := t.values[Intent+"/"+s.Label]; ok && v.Value != OutOfScope {
			c.Intent, c.Confidence, c.Route = v.Value, s.Score, v.Route
			return v
		}
	}
	return Value{}
}

// corrected takes a person's word for a message that says what they corrected
// before: at once, and for that tenant alone. The retraining that follows teaches
// everybody's classifier.
func (t *trained) corrected(c *triage.Classification, text string, corrections []Correction) (Value, bool) {
	if len(corrections) == 0 || c.Route == RouteAcknowledge {
		return Value{}, false
	}
	texts := make([]string, len(corrections))
	for i, k := range corrections {
		texts[i] = classify.Clean(k.Text)
	}
	at, alike := t.intent.Nearest(text, texts)
	if alike < sameText {
		return Value{}, false
	}
	v, ok := t.values[Intent+"/"+corrections[at].Intent]
	if !ok {
		return Value{}, false
	}
	c.Intent, c.Route, c.Corrected = v.Value, v.Route, true
	c.Confidence = max(c.Confidence, math.Round(alike*1000)/1000)
	c.Explanation = append(c.Explanation, "a person corrected a message like this: "+triage.Line(corrections[at].Text, 80))
	return v, true
}

// language trusts the text where it is long enough to tell, else its surroundings.
func language(text, hint string) string {
	detected, confidence := classify.DetectFrom(text, hint)
	if hint != "" && (confidence < 0.6 || detected == "") {
		return hint
	}
	if detected == "" {
		return "en"
	}
	return detected
}

// priority is the value's own, raised by the words, the mood and the tenant.
func priority(v Value, c triage.Classification, urgency classify.Urgency, in Input) triage.Priority {
	levels := []string{"low", "normal", "high", "urgent"}
	level := max(slices.Index(levels, string(v.Priority)), slices.Index(levels, urgency.Level))
	if v.Priority == "" && level < 0 {
		level = 1
	}
	chosen := levels[max(level, 0)]
	if urgency.Level == "low" && chosen != "urgent" {
		return triage.Priority(classify.Raise(chosen, -1)) // they say themselves that it can wait
	}
	breaks := urgency.Impact == "outage" || urgency.Impact == "blocked"
	if chosen != "urgent" && chosen != "low" && breaks && (in.Tier == "enterprise" || in.Stage == "live") {
		chosen = classify.Raise(chosen, 1)
	}
	if chosen == "normal" && c.Sentiment == "very_negative" {
		chosen = classify.Raise(chosen, 1)
	}
	return triage.Priority(chosen)
}
