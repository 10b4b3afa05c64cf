import { Answer } from "../app/Answer";
import { Page } from "../app/Page";
import { texts } from "../texts";
import { OwnStatistics } from "./OwnStatistics";
import { useStatistics } from "./queries";

export default function OwnScreen() {
  const statistics = useStatistics();
  return (
    <Page title={texts.statistics.title}>
      <Answer query={statistics}>{(data) => <OwnStatistics statistics={data} />}</Answer>
      <p className="hint">{texts.statistics.private}</p>
    </Page>
  );
}
