import { Button, HStack, Stack, Table } from "@chakra-ui/react";
import { useState } from "react";
import { asFailure, call, type Failure } from "src/api/client";
import { useLive } from "src/api/polling";
import type { Delivery, DeliveryPage, Event, EventPage, WaitingSteps } from "src/api/schema.gen";
import { AppLink } from "src/parts/AppLink";
import { DataTable } from "src/parts/DataTable";
import { Empty } from "src/parts/Empty";
import { FailureNotice } from "src/parts/FailureNotice";
import { JsonView } from "src/parts/JsonView";
import { LiveView } from "src/parts/LiveView";
import { Pager, usePages } from "src/parts/Pager";
import { paths } from "src/parts/paths";
import { Sentence } from "src/parts/Sentence";
import { StatusBadge } from "src/parts/StatusBadge";
import { Time } from "src/parts/Time";
import { useParameters } from "src/parts/useParameters";
import { t } from "src/texts";

const VIEWS = {
  dead: "events.dead",
  deliveries: "events.deliveries",
  events: "events.accepted",
  waits: "events.waits",
} as const;

/** Events that came in, what became of them, and who waits for one. */
export function EventsView() {
  const [parameters, setParameters] = useParameters();
  const chosen = (parameters.get("show") ?? "dead") as keyof typeof VIEWS;
  const shown = chosen in VIEWS ? chosen : "dead";
  return (
    <Stack gap={3}>
      <HStack aria-label={t("common.show")} flexWrap="wrap" gap={1} role="group">
        {Object.entries(VIEWS).map(([name, title]) => (
          <Button
            aria-pressed={shown === name}
            key={name}
            onClick={() => setParameters({ show: name })}
            size="xs"
            variant={shown === name ? "solid" : "outline"}
          >
            {t(title)}
          </Button>
        ))}
      </HStack>
      {shown === "events" ? (
        <Accepted />
      ) : shown === "waits" ? (
        <Waits />
      ) : (
        <Deliveries dead={shown === "dead"} key={shown} />
      )}
    </Stack>
  );
}

function Deliveries({ dead }: { dead: boolean }) {
  const pages = usePages(String(dead));
  const live = useLive<DeliveryPage>("/deliveries", {
    query: { status: dead ? "dead" : null, before: pages.after, limit: 50 },
    every: 5000,
  });
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState<number | null>(null);
  const redrive = async (delivery: Delivery) => {
    setBusy(delivery.id);
    setFailure(null);
    try {
      await call<Delivery>(`/deliveries/${delivery.id}/redrive`, { method: "POST" });
    } catch (error) {
      setFailure(asFailure(error));
    } finally {
      setBusy(null);
      live.refresh();
    }
  };
  return (
    <>
      {failure === null ? null : <FailureNotice failure={failure} title={t("events.redriveFailed")} />}
      <LiveView lines={6} live={live}>
        {({ items, next }) =>
          items.length === 0 ? (
            <Empty title={dead ? t("events.noDead") : t("events.noDeliveries")}>
              {dead ? t("events.noDeadText") : null}
            </Empty>
          ) : (
            <>
              <DataTable
                columns={[
                  t("common.status"),
                  t("common.workflow"),
                  t("events.reason"),
                  t("events.tries"),
                  t("common.changed"),
                  t("events.event"),
                  { label: t("common.actions"), hidden: true },
                ]}
              >
                {items.map((each) => (
                  <DeliveryRow busy={busy === each.id} delivery={each} key={each.id} redrive={redrive} />
                ))}
              </DataTable>
              <Pager next={next} pages={pages} />
            </>
          )
        }
      </LiveView>
    </>
  );
}

type RowProps = { delivery: Delivery; busy: boolean; redrive: (delivery: Delivery) => Promise<void> };

function DeliveryRow({ delivery, busy, redrive }: RowProps) {
  const [open, setOpen] = useState(false);
  const message = delivery.reason?.message;
  return (
    <>
      <Table.Row data-testid={`delivery-${delivery.id}`}>
        <Table.Cell>
          <StatusBadge status={delivery.status} />
        </Table.Cell>
        <Table.Cell>
          <AppLink to={paths.definition(delivery.workflowId)}>{delivery.workflowId}</AppLink>
        </Table.Cell>
        <Table.Cell maxW="lg" overflowWrap="anywhere">
          {delivery.instanceId === null ? (
            typeof message === "string" ? (
              message
            ) : (
              "–"
            )
          ) : (
            <AppLink to={paths.instance(delivery.instanceId)}>{t("common.instance")}</AppLink>
          )}
        </Table.Cell>
        <Table.Cell>{delivery.attempts}</Table.Cell>
        <Table.Cell>
          <Time at={delivery.updatedAt} />
        </Table.Cell>
        <Table.Cell>
          <Button aria-expanded={open} onClick={() => setOpen(!open)} size="2xs" variant="outline">
            {open ? t("common.hide") : t("common.show")}
          </Button>
        </Table.Cell>
        <Table.Cell textAlign="end">
          {delivery.status === "dead" && delivery.mayRedrive ? (
            <Button loading={busy} onClick={() => void redrive(delivery)} size="2xs" variant="outline">
              {t("events.redrive")}
            </Button>
          ) : null}
        </Table.Cell>
      </Table.Row>
      {open ? (
        <Table.Row>
          <Table.Cell colSpan={7}>
            <Stack>
              {delivery.reason === null ? null : <JsonView value={{ reason: delivery.reason }} />}
              <EventDetail id={delivery.eventId} />
            </Stack>
          </Table.Cell>
        </Table.Row>
      ) : null}
    </>
  );
}

function EventDetail({ id }: { id: string }) {
  const live = useLive<Event>(`/events/${id}`);
  return <LiveView live={live}>{({ event }) => <JsonView value={event} />}</LiveView>;
}

function Accepted() {
  const pages = usePages("events");
  const live = useLive<EventPage>("/events", { query: { before: pages.after, limit: 50 }, every: 5000 });
  const [open, setOpen] = useState<string | null>(null);
  return (
    <LiveView lines={6} live={live}>
      {({ items, next }) =>
        items.length === 0 ? (
          <Empty title={t("events.noEvents")}>
            <Sentence
              parts={{ address: <code>POST /workflows/api/v1/events</code> }}
              text="events.noEventsText"
            />
          </Empty>
        ) : (
          <>
            <DataTable
              columns={[
                t("events.type"),
                t("events.source"),
                t("events.subject"),
                t("events.id"),
                t("events.acceptedAt"),
                t("events.data"),
              ]}
            >
              {items.flatMap((each) => [
                <Table.Row key={each.id}>
                  {[each.type, each.source, each.subject ?? "–", each.eventId].map((text, column) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: the columns never change
                    <Table.Cell key={column} maxW="xs" overflowWrap="anywhere">
                      {text}
                    </Table.Cell>
                  ))}
                  <Table.Cell>
                    <Time at={each.receivedAt} />
                  </Table.Cell>
                  <Table.Cell>
                    <Button
                      aria-expanded={open === each.id}
                      onClick={() => setOpen(open === each.id ? null : each.id)}
                      size="2xs"
                      variant="outline"
                    >
                      {open === each.id ? t("common.hide") : t("common.show")}
                    </Button>
                  </Table.Cell>
                </Table.Row>,
                open === each.id ? (
                  <Table.Row key={`${each.id} data`}>
                    <Table.Cell colSpan={6}>
                      <EventDetail id={each.id} />
                    </Table.Cell>
                  </Table.Row>
                ) : null,
              ])}
            </DataTable>
            <Pager next={next} pages={pages} />
          </>
        )
      }
    </LiveView>
  );
}

function Waits() {
  const live = useLive<WaitingSteps>("/waits", { query: { limit: 500 }, every: 5000 });
  return (
    <LiveView lines={6} live={live}>
      {({ items }) =>
        items.length === 0 ? (
          <Empty title={t("events.noWaits")}>{t("events.noWaitsText")}</Empty>
        ) : (
          <DataTable
            columns={[
              t("common.workflow"),
              t("common.step"),
              t("events.waitsFor"),
              t("events.since"),
              t("events.until"),
              t("common.instance"),
            ]}
          >
            {items.map((each) => (
              <Table.Row key={each.id}>
                <Table.Cell>
                  <AppLink to={paths.definition(each.workflowId)}>{each.workflowId}</AppLink>
                </Table.Cell>
                <Table.Cell>{each.stepId}</Table.Cell>
                <Table.Cell maxW="md">
                  {each.pattern}
                  <JsonView depth={1} value={each.correlation} />
                </Table.Cell>
                <Table.Cell>
                  <Time at={each.waitingSince} />
                </Table.Cell>
                <Table.Cell>
                  <Time at={each.deadlineAt} />
                </Table.Cell>
                <Table.Cell>
                  <AppLink to={paths.instance(each.instanceId)}>{t("common.open")}</AppLink>
                </Table.Cell>
              </Table.Row>
            ))}
          </DataTable>
        )
      }
    </LiveView>
  );
}
