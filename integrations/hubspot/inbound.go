package hubspot

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/integrations/webhook/signature"
	"github.com/usherdesk/usher/migrations/tenantdb"
	"github.com/usherdesk/usher/triage/desk"
)

const maxBody = 4 << 20

// InboundConfig takes HubSpot's webhooks in. DB is of the worker role.
type InboundConfig struct {
	Secrets   []string // client secrets of the app; more than one while rotating
	PublicURL string   // the address HubSpot calls: behind a proxy it cannot be told from the request
	// AppID is the app whose token writes: changes it made come back and are dropped.
	// Default: the app whose webhooks these are, which is the same one.
	AppID string
	DB    *tenantdb.DB
	Jobs  desk.Jobs
	Deals bool // won deals become workspaces: their changes are read back too
	Now   func() time.Time
	Log   *slog.Logger
}

// Inbound takes HubSpot's webhooks in.
type Inbound struct{ InboundConfig }

// NewInbound returns an Inbound.
func NewInbound(c InboundConfig) *Inbound {
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Log = cmp.Or(c.Log, slog.Default())
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	return &Inbound{c}
}

// Mount adds POST /hubspot/events.
func (in *Inbound) Mount(router gin.IRouter) { router.POST("/hubspot/events", in.receive) }

// change is what is read of an event. Unknown kinds are stored and ignored.
type change struct {
	EventID        int64  `json:"eventId"`
	SubscriptionID int64  `json:"subscriptionId"`
	PortalID       int64  `json:"portalId"`
	AppID          int64  `json:"appId"`
	OccurredAt     int64  `json:"occurredAt"`
	Type           string `json:"subscriptionType"`
	ObjectID       int64  `json:"objectId"`
	ChangeSource   string `json:"changeSource"`
	SourceID       string `json:"sourceId"`
	PropertyName   string `json:"propertyName"`
	FromObjectID   int64  `json:"fromObjectId"`
	FromTypeID     string `json:"fromObjectTypeId"`
}

// key names an event for good: its own id is not promised to be unique.
func (c change) key() string {
	return fmt.Sprintf("%d:%d:%d:%d:%d", c.PortalID, c.AppID, c.SubscriptionID, c.EventID, c.OccurredAt)
}

// echo reports whether the change was made by our app: the one named, or the one
// whose webhook this is.
func (c change) echo(app string) bool {
	app = cmp.Or(app, strconv.FormatInt(c.AppID, 10))
	return app != "0" && c.ChangeSource == "INTEGRATION" && c.SourceID == app
}

// ticket is the ticket to read because of the event, if any.
func (c change) ticket() (string, bool) {
	if strings.HasPrefix(c.Type, "ticket.") && c.Type != "ticket.deletion" && c.ObjectID != 0 {
		return strconv.FormatInt(c.ObjectID, 10), true
	}
	return "", false
}

// dealType is HubSpot's number for the kind of record.
const dealType = "0-3"

// deal is the deal to read because of the event, if any: it is new, its stage
// changed, or a company or contact was tied to it.
func (c change) deal() (string, bool) {
	switch {
	case c.Type == "deal.creation" && c.ObjectID != 0, c.Type == "deal.propertyChange" && c.PropertyName == "dealstage" && c.ObjectID != 0:
		return strconv.FormatInt(c.ObjectID, 10), true
	case c.Type == "deal.associationChange" && c.FromTypeID == dealType && c.FromObjectID != 0:
		return strconv.FormatInt(c.FromObjectID, 10), true
	}
	return "", false
}

// reading is the job an event makes necessary, if any.
func (in *Inbound) reading(c change) (river.JobArgs, bool) {
	if ticket, ok := c.ticket(); ok && !c.echo(in.AppID) {
		return desk.ReadCRMArgs{System: System, ExternalID: ticket}, true
	}
	if deal, ok := c.deal(); ok && in.Deals {
		return ReadDealArgs{DealID: deal}, true
	}
	return nil, false
}

func (in *Inbound) receive(c *gin.Context) {
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, maxBody))
	if err != nil {
		c.AbortWithStatus(http.StatusRequestEntityTooLarge)
		return
	}
	request := signature.Request{Method: c.Request.Method, URL: in.PublicURL + c.Request.URL.RequestURI(), Header: c.Request.Header, Body: body}
	if err := signature.HubSpot(request, in.Now(), in.Secrets...); err != nil {
		in.Log.WarnContext(c, "refused a request to HubSpot's address", "error", err)
		c.AbortWithStatus(http.StatusUnauthorized)
		return
	}
	var changes []change
	if err := json.Unmarshal(body, &changes); err != nil || len(changes) > 100 {
		c.AbortWithStatus(http.StatusBadRequest)
		return
	}
	if err := in.store(c, changes); err != nil {
		in.Log.ErrorContext(c, "store HubSpot events", "error", err)
		c.AbortWithStatus(http.StatusServiceUnavailable) // HubSpot sends them again
		return
	}
	c.Status(http.StatusOK)
}

// store keeps what is new and asks for each touched ticket and deal to be read once.
func (in *Inbound) store(ctx context.Context, changes []change) error {
	return in.DB.WithSystem(ctx, "store inbound HubSpot events", func(tx pgx.Tx) error {
		asked := map[river.JobArgs]bool{}
		for _, c := range changes {
			reading, ok := in.reading(c)
			state := "done"
			if !ok {
				state = "ignored"
			}
			tag, err := tx.Exec(ctx, `insert into inbound_events (source, event_id, state) values ($1, $2, $3) on conflict do nothing`, System, c.key(), state)
			if err != nil {
				return err
			}
			if tag.RowsAffected() == 0 || !ok || asked[reading] {
				continue
			}
			asked[reading] = true
			if _, err := in.Jobs.InsertTx(ctx, tx, reading, nil); err != nil {
				return err
			}
		}
		return nil
	})
}
