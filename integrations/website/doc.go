// Package website reads the pages of websites for knowledge/site: by public
// addresses only, no redirect followed, bounded in time and size, and with the
// rules each host gives robots.
package website
