/** Who saw what and why, whether the record is intact, and files of it. */

import { useFilters } from "../app/filters";
import { Page } from "../app/Page";
import "../app/overview.css";
import { texts } from "../texts";
import { EventFilterForm } from "./EventFilterForm";
import { Events } from "./Events";
import { Export } from "./Export";
import { FILTERS } from "./queries";
import { SealsPanel } from "./SealsPanel";
import "./audit.css";

export default function AuditScreen() {
  const words = texts.audit;
  const [filters, change] = useFilters(FILTERS);
  return (
    <Page title={words.title}>
      <p className="notice">{words.recorded}</p>
      <EventFilterForm filters={filters} onChange={change} />
      <Events filters={filters} />
      <Export filters={filters} />
      <SealsPanel />
    </Page>
  );
}
