// What the API tells everybody, without a key. The real one says "degraded" with all documents at hand, and the same while it serves none.
const health = {
  status: "degraded",
  version: "0.1.0",
  langroid_available: true,
  services: {
    qdrant: { status: "unknown", latency_ms: 0, last_error: null },
    postgres: { status: "ok", latency_ms: 0.8, last_error: null },
    openai: { status: "degraded", latency_ms: 0, last_error: "OPENAI_API_KEY not set" },
  },
  service_count: 3,
  data_integrity: null,
  event_system: { enabled: true, webhooks_registered: 0, webhooks_active: 0, listeners: 0, events_logged: 0 },
};

export const openPages: Readonly<Record<string, unknown>> = {
  "/": health,
  "/health": health,
  "/info": {
    name: "agent-data-langroid",
    version: "0.1.0",
    author: "the sandbox",
    email: "nobody@example.org",
    langroid_available: true,
    langroid_version: "0.0.0",
    dependencies: { langroid: true, fastapi: true, uvicorn: true, pydantic: true, openai: true, qdrant_client: true },
  },
};
