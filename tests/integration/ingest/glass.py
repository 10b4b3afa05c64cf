"""Line glass: a small contract, and files for it."""

GLASS = """\
apiVersion: v3.1.0
kind: DataContract
id: glass
name: Glass claims
version: 1.0.0
status: active
customProperties:
  - {property: line, value: glass}
  - {property: missingValues, value: ["?"]}
schema:
  - name: claim_glass
    physicalType: table
    properties:
      - name: claim_id
        logicalType: string
        required: true
        unique: true
        customProperties: [{property: role, value: identifier}]
      - name: broken_on
        logicalType: date
        required: true
        customProperties: [{property: role, value: event_time}]
      - name: amount
        logicalType: number
        required: true
        logicalTypeOptions: {minimum: 0, maximum: 5000}
        synonyms: [{synonym: total}]
        customProperties: [{property: role, value: feature}]
      - name: panes
        logicalType: integer
        required: false
        customProperties: [{property: role, value: feature}]
      - name: driver
        logicalType: string
        required: false
        classification: personal
        logicalTypeOptions: {minLength: 3}
        customProperties: [{property: role, value: ignored}]
      - name: story
        logicalType: string
        required: false
        classification: personal
        customProperties: [{property: role, value: text}, {property: storeAs, value: plain}]
"""

HEADER = "claim_id,broken_on,amount,panes,driver,story"


def csv(*records: str, header: str = HEADER) -> str:
    """Return a CSV file of line glass."""
    return "\n".join([header, *records, ""])
