// All journeys run in this one process, against one server.
import "./journeys/ask.mjs";
import "./journeys/person.mjs";
import "./journeys/robust.mjs";
import "./journeys/access.mjs";
import "./journeys/look.mjs";
import "./journeys/knowledge.mjs";
import "./journeys/health.mjs";
import "./journeys/widget.mjs";
import "./journeys/export.mjs";
import "./journeys/devices.mjs";
import "./journeys/sources.mjs";
import "./journeys/files.mjs";
import "./journeys/signin.mjs";
import "./journeys/confirm.mjs";
import "./journeys/procedures.mjs";
import "./journeys/ratings.mjs";
import "./journeys/actions.mjs";
