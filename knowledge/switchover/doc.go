// Package switchover owns the embedding models: which one searches use, which
// ones get vectors, and how one replaces another without a dark hour.
//
//	           Train / Add                 every chunk has a vector
//	(nothing) ------------> building ----------------------------> ready
//	                           |  failed                              | Activate
//	                           v                                      v
//	                        failed          Rollback   active <---> previous
//	                                                                  | Drop, or the next switch
//	                                                                  v
//	                                                               retired
//
// Vectors of a new model are made beside the old ones by build_vectors jobs, in
// batches that each commit: a killed build continues where it stopped. Package
// index writes vectors for every building, ready, active and previous model, so
// that nothing published meanwhile is missing after the swap or after a rollback.
// The swap is one transaction; a search that began before it finds the vectors
// of the model it started with.
package switchover
