package search

import (
	"fmt"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/usherdesk/usher/knowledge"
)

// legs ranks one space. Both legs see the viewer's audience and nothing else;
// {scope} repeats the tenant that row-level security enforces, so that the
// planner knows it. %[1]s prefixes the names, %[2]d is the model's width, %[3]s
// makes the order exact (an expression no HNSW index serves) where asked to.
const legs = `
%[1]s_allowed as materialized (
	select array_agg(w.id) as ids from {audiences} w where {w.scope} and ` + knowledge.Predicate + `),
%[1]s_dense as materialized (
	select v.chunk_id from {chunk_vectors} v
	where {v.scope} and v.model_id = @model and v.dimensions = %[2]d
		and v.audience_id = any((select ids from %[1]s_allowed)::uuid[])
	order by (v.embedding::halfvec(%[2]d) <=> @dense::halfvec(%[2]d))%[3]s limit @depth),
%[1]s_lexical as materialized (
	select chunk_id from (
		select t.chunk_id, t.weights <#> @sparse::sparsevec as distance from {chunk_terms} t
		where {t.scope} and t.audience_id = any((select ids from %[1]s_allowed)::uuid[])
		order by distance limit @depth) ranked
	where distance < 0),
%[1]s_product as materialized (
	select t.chunk_id from {articles} a
	join {chunks} c on {a=c} c.article_id = a.id
	join {chunk_terms} t on {c=t} t.chunk_id = c.id
	where {a.scope} and a.product <> '' and a.product = any(@products::text[])
		and t.audience_id = any((select ids from %[1]s_allowed)::uuid[])
	order by t.weights <#> @sparse::sparsevec limit @depth),
%[1]s_found as (
	select chunk_id from %[1]s_dense union select chunk_id from %[1]s_lexical union select chunk_id from %[1]s_product)`

// rows joins what the legs of a space found with all it takes to rank and quote
// it. The audience is checked again on the article itself.
const rows = `
select %[4]s as shared, c.id as chunk_id, c.article_id, c.version_id, a.slug, a.title, a.product, a.locale,
	w.audience, c.heading, c.anchor, c.body, c.ordinal, a.changed_at as updated_at, a.verified_until,
	t.weights,
	coalesce(1 - (v.embedding::halfvec(%[2]d) <=> @dense::halfvec(%[2]d)), 0) as dense,
	coalesce(1 - (v.embedding::halfvec(%[2]d) <=> @topic::halfvec(%[2]d)), 0) as topic,
	(select count(*) from %[1]s_dense) as dense_rows
from %[1]s_found f
join {chunks} c on {c.scope} and c.id = f.chunk_id
join {articles} a on {a=c} a.id = c.article_id and a.state = 'published'
join {audiences} w on {w=a} w.id = a.audience_id and w.id = any((select ids from %[1]s_allowed)::uuid[])
join {chunk_terms} t on {t=c} t.chunk_id = c.id
left join {chunk_vectors} v on {v=c} v.chunk_id = c.id and v.model_id = @model and v.dimensions = %[2]d`

// shape is one form of the search statement.
type shape struct {
	tenant      bool
	dimensions  int
	exactShared bool
	exactTenant bool
}

var texts sync.Map // shape → SQL

// anyTenant stands for every tenant: the SQL takes the id as an argument.
var anyTenant = knowledge.Of(uuid.Max)

func (s shape) sql() string {
	if text, ok := texts.Load(s); ok {
		return text.(string)
	}
	var with, from []string
	part := func(name string, space knowledge.Space, exact bool) {
		suffix := ""
		if exact {
			suffix = " + 0"
		}
		with = append(with, knowledge.Render(fmt.Sprintf(legs, name, s.dimensions, suffix), space))
		from = append(from, knowledge.Render(fmt.Sprintf(rows, name, s.dimensions, suffix, fmt.Sprint(space.IsShared())), space))
	}
	part("s", knowledge.Shared, s.exactShared)
	if s.tenant {
		part("t", anyTenant, s.exactTenant)
	}
	text := "with " + strings.Join(with, ",") + strings.Join(from, "\nunion all")
	texts.Store(s, text)
	return text
}
