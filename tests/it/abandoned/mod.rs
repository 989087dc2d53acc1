//! Clients that go away before their answer: what they began is finished, and nothing that the server needs goes with them.

mod routes;
mod thousands;
