// Package localpg runs a private PostgreSQL for one checkout.
//
// The cluster belongs to one folder (".usher"), listens on a port of 127.0.0.1
// with generated passwords, and is made, started and stopped with PostgreSQL's
// own initdb and pg_ctl. It never touches another cluster: a server is taken for
// ours only when it accepts our password and says it runs on our data folder.
//
// In the folder:
//
//	postgres/        the data; /var/lib/usher/<hash> instead where PostgreSQL's
//	                 user cannot reach the folder
//	postgres.json    where the data is, the port, the passwords (mode 0600)
//	postgres.lock    held while the cluster is made, started or stopped
//	postgres.users   held, shared, by every process that uses the server
//
// Several processes may use one server (`usher run` and `usher eval`). Whoever
// comes first starts it and whoever leaves last stops it:
//
//	Start:  lock → make the cluster if there is none → is it running?
//	          no pidfile, or its process is gone or somebody else's → start it
//	          it answers as ours                                    → reuse it
//	        → join the users → unlock
//	Stop:   lock → leave the users → nobody left? stop it → unlock
//
// After kill -9 the kernel drops the locks; the next Start adopts a server left
// running, or starts one that was killed too.
//
// PostgreSQL refuses to run as root, so a root process starts it as user
// "postgres" (or "nobody").
package localpg
