package tenantdb

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// Duplicate reports whether err is the database refusing a second row where one is
// allowed, and by which constraint.
func Duplicate(err error) (constraint string, is bool) {
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "23505" {
		return refused.ConstraintName, true
	}
	return "", false
}
