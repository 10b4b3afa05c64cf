/** Shows a screen that failed as such; the rest of the application goes on. */
import { Component, type ReactNode } from "react";
import { texts } from "../texts";

interface Props {
  children: ReactNode;
}

export class ErrorBoundary extends Component<Props, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <section className="page" role="alert">
        <h1>{texts.errors.broken}</h1>
        <p>{texts.errors.brokenDetail}</p>
        <p className="row">
          <button type="button" onClick={() => this.setState({ failed: false })}>
            {texts.errors.again}
          </button>
          <a href="#/">{texts.navigation.home}</a>
        </p>
      </section>
    );
  }
}
