//! Clients that disconnect before they are answered: their requests still complete, and nothing that the server needs
//! is lost.

mod routes;
mod thousands;
