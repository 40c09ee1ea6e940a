// Package mail sends plain messages by SMTP.
package mail
