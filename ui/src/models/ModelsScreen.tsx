/** The models of a line: what is live, a candidate beside it, warnings, cards, and requests to promote or roll back. */

import { useRef, useState } from "react";
import { Link } from "wouter";
import { Answer } from "../app/Answer";
import { useAccess } from "../app/access";
import { useFilters } from "../app/filters";
import { navigate } from "../app/hash";
import { LineChoice, useLines } from "../app/LineChoice";
import { Page } from "../app/Page";
import "../app/overview.css";
import type { ScreenProps } from "../app/screens";
import { useStore } from "../app/store";
import { Wide } from "../charts/Wide";
import { Moment } from "../format/format";
import { texts } from "../texts";
import { Comparison } from "./Comparison";
import { History, Trainings } from "./History";
import "./models.css";
import { PendingRequest } from "./PendingRequest";
import { PromotionDialog, type Wanted } from "./PromotionDialog";
import { cardPath, type Model, type Models, useModels } from "./queries";
import { outcomeOf, pending, waitingFor } from "./requests";
import { StoredPage } from "./StoredPage";

export default function ModelsScreen({ params }: ScreenProps) {
  const words = texts.models;
  const lines = useLines("model.read");
  const line = params.line || lines[0] || "";
  const models = useModels(line);
  return (
    <Page title={words.title(line)}>
      <div className="filters">
        <LineChoice
          permission="model.read"
          value={line}
          onChange={(chosen) => navigate(`/models/${encodeURIComponent(chosen)}`)}
        />
        {line && (
          <Link className="button" href={`/weeks/${encodeURIComponent(line)}`}>
            {words.weeksLink}
          </Link>
        )}
      </div>
      {line && <Answer query={models}>{(data) => <ModelsView models={data} />}</Answer>}
    </Page>
  );
}

const roleOf = (model: Model, role: "champion" | "challenger") =>
  model.roles.find((each) => each.role === role);

export function ModelsView({ models }: { models: Models }) {
  const words = texts.models;
  const access = useAccess();
  const allowed = access.can("model.promote", models.line);
  const waiting = waitingFor(models, useStore(pending));
  const busy = waiting !== null && outcomeOf(waiting, models).state === "pending";
  const dialog = useRef<HTMLDialogElement>(null);
  const [wanted, setWanted] = useState<Wanted | null>(null);
  const [filters, change] = useFilters(["candidate", "card"]);
  const champion = models.models.find((model) => roleOf(model, "champion"));
  const candidates = models.models.filter((model) => model !== champion && model.status === "registered");
  const candidate = candidates.find((model) => model.version === filters.candidate) ?? candidates[0];
  const shown = models.models.find((model) => model.version === filters.card && model.card);
  const ask = (next: Wanted) => {
    setWanted(next);
    dialog.current?.showModal();
  };
  if (models.models.length === 0 && models.trainings.length === 0) return <p>{words.none}</p>;
  return (
    <>
      <PendingRequest models={models} />
      <section className="panel" aria-labelledby="models-title">
        <div className="panel-head">
          <h2 id="models-title">{words.list.title}</h2>
          {allowed && champion && (
            <button
              type="button"
              disabled={busy}
              onClick={() => ask({ action: "rollback", champion: champion.version })}
            >
              {words.rollback.open}
            </button>
          )}
        </div>
        {!allowed && <p className="hint">{words.promote.notAllowed}</p>}
        <Wide name={words.list.title}>
          <table>
            <thead>
              <tr>
                <th scope="col">{words.list.version}</th>
                <th scope="col">{words.live}</th>
                <th scope="col">{words.list.status}</th>
                <th scope="col">{words.list.created}</th>
                <th scope="col">{words.list.warnings}</th>
                <th scope="col">
                  <span className="visually-hidden">{words.list.actions}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {models.models.map((model) => (
                <ModelRow
                  key={model.version}
                  model={model}
                  allowed={allowed}
                  busy={busy}
                  onCard={() => change({ card: model.version })}
                  onPromote={() => ask({ action: "promote", model })}
                />
              ))}
            </tbody>
          </table>
        </Wide>
      </section>
      {shown && (
        <StoredPage
          key={shown.version}
          title={words.card.title(shown.version)}
          path={cardPath(models.line, shown.version)}
          onClose={() => change({ card: "" })}
        />
      )}
      <Comparison
        champion={champion}
        candidate={candidate}
        candidates={candidates}
        onChoose={(version) => change({ candidate: version }, { replace: true })}
      />
      {candidate && <Warnings model={candidate} />}
      <History models={models} />
      <Trainings models={models} />
      <PromotionDialog ref={dialog} line={models.line} wanted={wanted} onClose={() => setWanted(null)} />
    </>
  );
}

interface RowProps {
  model: Model;
  allowed: boolean;
  busy: boolean;
  onCard: () => void;
  onPromote: () => void;
}

function ModelRow({ model, allowed, busy, onCard, onPromote }: RowProps) {
  const words = texts.models;
  return (
    <tr>
      <th scope="row">{model.version}</th>
      <td>
        {model.roles.length === 0 && <span className="muted">{words.list.notLive}</span>}
        {model.roles.map(({ role, since }) => (
          <div key={role}>
            <span className={`tag ${role === "champion" ? "good" : "accent"}`}>{words[role]}</span>{" "}
            <span className="hint">
              {words.since} <Moment at={since} day />
            </span>
          </div>
        ))}
      </td>
      <td>
        {model.status === "refused" ? (
          <span className="tag bad">{words.list.refused}</span>
        ) : (
          words.list.registered
        )}
        {model.as_of && <div className="hint">{words.list.backTest(model.as_of)}</div>}
        {model.refused_because && <div className="hint">{model.refused_because}</div>}
        {model.exceptions.map((each) => (
          <div key={each.gate} className="hint">
            {words.list.exception(each.gate, each.by, each.why)}
          </div>
        ))}
        {model.failed_gates && model.failed_gates.length > 0 && (
          <div className="hint">{words.list.gates(model.failed_gates.join(", "))}</div>
        )}
      </td>
      <td>
        <Moment at={model.created_at} day />
      </td>
      <td>
        {model.warnings.length === 0 ? (
          <span className="muted">{words.warnings.none}</span>
        ) : (
          <span className="tag warn">{words.warnings.count(model.warnings.length)}</span>
        )}
      </td>
      <td>
        <div className="row end">
          {model.card ? (
            <button type="button" aria-label={words.card.showOf(model.version)} onClick={onCard}>
              {words.card.show}
            </button>
          ) : (
            <span className="muted">{words.card.none}</span>
          )}
          {allowed && (model.status === "registered" || model.exceptions.length > 0) && (
            <button
              type="button"
              disabled={busy}
              aria-label={words.promote.openOf(model.version)}
              onClick={onPromote}
            >
              {words.promote.open}
            </button>
          )}
        </div>
      </td>
    </tr>
  );
}

function Warnings({ model }: { model: Model }) {
  const words = texts.models.warnings;
  if (model.warnings.length === 0) return null;
  return (
    <section className="panel stack" aria-labelledby="warnings-title">
      <h2 id="warnings-title">{words.title(model.version)}</h2>
      <p className="muted">{words.words}</p>
      <Wide name={words.title(model.version)}>
        <table>
          <thead>
            <tr>
              <th scope="col">{words.column}</th>
              <th scope="col">{words.kind}</th>
              <th scope="col">{words.found}</th>
            </tr>
          </thead>
          <tbody>
            {model.warnings.map((warning) => (
              <tr key={`${warning.column} ${warning.kind}`}>
                <th scope="row" className="mono">
                  {warning.column}
                </th>
                <td>{warning.kind.replaceAll("_", " ")}</td>
                <td>{warning.found}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </section>
  );
}
